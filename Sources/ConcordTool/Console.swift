package import ConcordCommandLine
import Foundation

/// Where a command reads from and writes to. Tests bring their own.
package struct Console: Sendable {
    package var write: @Sendable ([UInt8]) -> Void
    package var complain: @Sendable (String) -> Void
    package var readInput: @Sendable () -> [UInt8]
    package var paint: Paint
    /// Somebody looks at standard output.
    package var outputIsTerminal: Bool
    /// Somebody looks at standard error.
    package var errorIsTerminal: Bool

    package init(
        write: @escaping @Sendable ([UInt8]) -> Void, complain: @escaping @Sendable (String) -> Void,
        readInput: @escaping @Sendable () -> [UInt8], paint: Paint = .plain, outputIsTerminal: Bool = false,
        errorIsTerminal: Bool = false
    ) {
        self.write = write
        self.complain = complain
        self.readInput = readInput
        self.paint = paint
        self.outputIsTerminal = outputIsTerminal
        self.errorIsTerminal = errorIsTerminal
    }

    /// The streams of this process.
    package static func system(environment: [String: String]) -> Console {
        Console(
            write: { StandardStream.output.write($0) },
            complain: { StandardStream.error.write($0) },
            readInput: { [UInt8](FileHandle.standardInput.readDataToEndOfFile()) },
            paint: .of(.output, environment: environment),
            outputIsTerminal: StandardStream.output.isTerminal,
            errorIsTerminal: StandardStream.error.isTerminal)
    }

    func print(_ text: String) {
        write([UInt8]((text + "\n").utf8))
    }
}
