import ConcordBytes
import ConcordModel

/// The payload of a log entry: a batch of commands. What is read would be written byte for byte alike.
func fuzz(_ input: [UInt8]) {
    guard let commands = try? CommandBatch.decode(input) else { return }
    var batch = CommandBatch()
    for command in commands { batch.append(command) }
    precondition(batch.payload() == input, "two encodings of one batch are accepted")
}
