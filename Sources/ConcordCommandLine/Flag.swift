/// What a parser must know of a flag, whatever its value's type.
package struct FlagDeclaration: Sendable {
    package enum Reading: Sendable {
        case value(any Sendable)
        /// The text is none; what would be right.
        case wrong(expectation: String)
    }

    package let name: String
    package let short: Character?
    /// The variable that stands in when the flag is not given; empty counts as unset.
    package let environment: String?
    /// `nil` for a switch, which takes no value.
    package let placeholder: String?
    package let help: String
    package let defaultText: String?
    package let isRequired: Bool
    package let repeats: Bool
    package let expectation: String
    package let read: @Sendable (String) -> Reading
}

/// Something that may stand in a command's list of flags.
package protocol DeclaredFlag: Sendable {
    var declaration: FlagDeclaration { get }
}

/// A flag that always has a value: it has a default, or the command is refused without it.
package struct Flag<Value: Sendable>: DeclaredFlag {
    package let declaration: FlagDeclaration

    /// - Parameter default: as it would be written on the command line, so that the help shows the truth.
    package init(
        _ name: String, short: Character? = nil, environment: String? = nil, _ parser: ValueParser<Value>,
        default defaultText: String, help: String
    ) {
        precondition(parser.parse(defaultText) != nil, "the default of a flag is none of its values")
        declaration = FlagDeclaration(
            name, short, environment, parser, defaultText: defaultText, isRequired: false, help: help)
    }

    /// A flag that has to be given.
    package init(
        required name: String, short: Character? = nil, environment: String? = nil, _ parser: ValueParser<Value>,
        help: String
    ) {
        declaration = FlagDeclaration(name, short, environment, parser, defaultText: nil, isRequired: true, help: help)
    }
}

/// A flag that may be absent.
package struct OptionalFlag<Value: Sendable>: DeclaredFlag {
    package let declaration: FlagDeclaration

    package init(
        _ name: String, short: Character? = nil, environment: String? = nil, _ parser: ValueParser<Value>, help: String
    ) {
        declaration = FlagDeclaration(name, short, environment, parser, defaultText: nil, isRequired: false, help: help)
    }
}

/// A flag without a value; `--name=false` switches it off when the environment switched it on.
package struct Switch: DeclaredFlag {
    package let declaration: FlagDeclaration

    package init(_ name: String, short: Character? = nil, environment: String? = nil, help: String) {
        let expectation = "true or false"
        declaration = FlagDeclaration(
            name: name, short: short, environment: environment, placeholder: nil, help: help, defaultText: nil,
            isRequired: false, repeats: false, expectation: expectation
        ) { text in
            switch text {
            case "true", "1", "yes": .value(true)
            case "false", "0", "no": .value(false)
            default: .wrong(expectation: expectation)
            }
        }
    }
}

extension FlagDeclaration {
    fileprivate init<Value: Sendable>(
        _ name: String, _ short: Character?, _ environment: String?, _ parser: ValueParser<Value>,
        defaultText: String?, isRequired: Bool, help: String
    ) {
        self.init(
            name: name, short: short, environment: environment, placeholder: parser.placeholder, help: help,
            defaultText: defaultText, isRequired: isRequired, repeats: parser.repeats, expectation: parser.expectation
        ) { text in
            parser.parse(text).map { .value($0) } ?? .wrong(expectation: parser.expectation)
        }
    }
}
