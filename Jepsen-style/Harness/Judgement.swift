import ConcordChecker
import Foundation

/// Why a history was not judged.
struct JudgementError: Error {
    var message: String
}

/// A history from a file, and the verdict on it.
struct Judgement {
    let history: History
    let model: Model
    let verdict: Verdict
    let seconds: Double

    /// Larger files are refused: a history is held in memory.
    static let fileBytesMax = 4 << 30

    init(file: String, model chosen: Model?, initial: HistoryValue?, seconds: Int) throws(JudgementError) {
        let start = ContinuousClock.now
        let bytes = try Self.bytes(of: file)
        do throws(HistoryError) {
            history = try HistoryReader.read(bytes)
        } catch {
            throw JudgementError(message: error.description)
        }
        if let chosen { model = chosen } else { model = try Self.onlyModel(of: history) }
        let initial = initial ?? (model == .counter ? .int(0) : .null)
        let deadline = ContinuousClock.now + .seconds(seconds)
        let limits = CheckLimits(isOutOfTime: { ContinuousClock.now > deadline })
        verdict = Checker.check(
            history.operations(for: model, initial: initial), model: model, initial: initial, limits: limits)
        self.seconds = (ContinuousClock.now - start) / .seconds(1)
    }

    private static func onlyModel(of history: History) throws(JudgementError) -> Model {
        let possible = history.possibleModels
        if possible.count == 1 { return possible[0] }
        let all = (possible.isEmpty ? Model.allCases : possible).map(\.rawValue).joined(separator: ", ")
        throw JudgementError(message: "its functions do not tell the model; give '--model', one of \(all)")
    }

    static func bytes(of file: String) throws(JudgementError) -> [UInt8] {
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: realPath(file))
            guard attributes[.type] as? FileAttributeType == .typeRegular else {
                throw JudgementError(message: "this is no file")
            }
            guard let size = attributes[.size] as? Int, size <= fileBytesMax else {
                throw JudgementError(message: "larger than \(fileBytesMax >> 30) GiB")
            }
            return try bytes(of: FileHandle(forReadingFrom: URL(fileURLWithPath: file)), expecting: size)
        } catch let error as JudgementError {
            throw error
        } catch {
            throw JudgementError(message: "cannot be read: \(error.localizedDescription)")
        }
    }

    /// In pieces, so that a history of gigabytes is not in memory twice.
    private static func bytes(of file: FileHandle, expecting size: Int) throws -> [UInt8] {
        defer { try? file.close() }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { bytes.append(contentsOf: piece) }
        return bytes
    }

    private static func realPath(_ file: String) -> String {
        URL(fileURLWithPath: file).resolvingSymlinksInPath().path
    }
}

/// What a directory's verdicts.json says of one history.
struct PublishedVerdict {
    var file: String
    var model: Model?
    var initial: HistoryValue?
    var verdict: String

    static func read(_ directory: String) throws(JudgementError) -> [PublishedVerdict] {
        let bytes = try Judgement.bytes(of: "\(directory)/verdicts.json")
        let value: HistoryValue
        do throws(HistoryError) { value = try HistoryValue(json: bytes) } catch {
            throw JudgementError(message: error.description)
        }
        guard let entries = value.list, !entries.isEmpty else {
            throw JudgementError(message: "a list of verdicts should stand here")
        }
        var verdicts: [PublishedVerdict] = []
        for entry in entries {
            guard let file = entry["file"]?.text, let valid = entry["valid"] else {
                throw JudgementError(message: "an entry needs 'file' and 'valid': \(entry)")
            }
            let verdict: String
            switch valid {
            case .bool(true): verdict = "valid"
            case .bool(false): verdict = "violation"
            case .text("unknown"): verdict = "unknown"
            default: throw JudgementError(message: "'valid' is true, false or \"unknown\": \(entry)")
            }
            var model: Model?
            if let name = entry["model"]?.text {
                model = Model(rawValue: name)
                if model == nil { throw JudgementError(message: "no such model: \(name)") }
            }
            verdicts.append(PublishedVerdict(file: file, model: model, initial: entry["initial"], verdict: verdict))
        }
        return verdicts
    }
}

extension Verdict {
    var word: String {
        switch self {
        case .valid: "valid"
        case .violation: "violation"
        case .unknown: "unknown"
        }
    }
}
