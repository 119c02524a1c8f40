import ConcordModel
import ConcordState

/// The most that the state can hold, by all that was ever asked for: what a refusal by a limit is held against.
struct AskedSoFar {
    private var writes: UInt64 = 0
    private var nodes: UInt64 = 0
    private var bytes: UInt64 = 0

    mutating func add(_ operation: Operation) {
        writes += 1
        switch operation {
        case .put(let put): add(put.key.bytes, value: put.value?.count ?? 0)
        case .createSequential(let create):
            add(create.parent.bytes + [Key.separator] + create.prefix, digits: 20, value: create.value?.count ?? 0)
        case .increment(let increment): add(increment.key.bytes, value: 20)
        case .delete, .changeSettings, .raiseFeatureLevel, .changeMembers, .cancelMemberChange, .memberInfo: break
        }
    }

    /// A node, and perhaps all of its parents.
    private mutating func add(_ key: [UInt8], digits: Int = 0, value: Int) {
        let created = UInt64(key.count { $0 == Key.separator }) + 1
        nodes += created
        bytes += created * (StateLimits.nodeBytes + UInt64(key.count + digits)) + UInt64(value)
    }

    /// Whether `limit` can have been reached.
    func mayReach(_ setting: Setting, _ limit: UInt64) -> Bool {
        switch setting {
        case .stateNodesMax, .nodesChangedMax: nodes >= limit
        case .stateBytesMax: bytes >= limit
        case .clientsMax, .clientOpenMax, .idempotencyKeysMax: writes >= limit
        // A client, its outcome or a key, with the key's own bytes.
        case .idempotencyBytesMax:
            writes * (2 * StateLimits.retryRecordBytes + UInt64(ModelLimits.idempotencyKeyBytesMax)) >= limit
        default: true
        }
    }
}
