/// What a parser must know of a positional argument.
package struct ArgumentDeclaration: Sendable {
    package let name: String
    package let help: String
    package let isRequired: Bool
    package let read: @Sendable (String) -> FlagDeclaration.Reading
}

/// Something that may stand in a command's list of positional arguments.
package protocol DeclaredArgument: Sendable {
    var declaration: ArgumentDeclaration { get }
}

/// A positional argument that has to be given.
package struct Argument<Value: Sendable>: DeclaredArgument {
    package let declaration: ArgumentDeclaration

    package init(_ name: String, _ parser: ValueParser<Value>, help: String) {
        declaration = ArgumentDeclaration(name, parser, isRequired: true, help: help)
    }
}

/// A positional argument that may be absent; it stands behind those that may not.
package struct OptionalArgument<Value: Sendable>: DeclaredArgument {
    package let declaration: ArgumentDeclaration

    package init(_ name: String, _ parser: ValueParser<Value>, help: String) {
        declaration = ArgumentDeclaration(name, parser, isRequired: false, help: help)
    }
}

extension ArgumentDeclaration {
    fileprivate init<Value: Sendable>(
        _ name: String, _ parser: ValueParser<Value>, isRequired: Bool, help: String
    ) {
        self.init(name: name, help: help, isRequired: isRequired) { text in
            parser.parse(text).map { .value($0) } ?? .wrong(expectation: parser.expectation)
        }
    }
}
