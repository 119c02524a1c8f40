/// A limit or rule that `apply` consults. It is replicated state: changed by a log entry, the same on every
/// member at the same index. The raw value is its number on disk and is never used again for another.
package enum Setting: UInt16, CaseIterable, Sendable {
    case valueBytesMax = 1
    case keyBytesMax = 2
    case keyLevelsMax = 3
    case nodesChangedMax = 4
    case stateBytesMax = 5
    case stateNodesMax = 6
    case historyBytesMax = 7
    case historyRevisionsMax = 8
    case clientsMax = 9
    case idempotencyKeysMax = 10
    case idempotencyBytesMax = 11
    case idempotencyKeptMilliseconds = 12
    case clientKeptMilliseconds = 13
    case clientOpenMax = 14

    /// The name in `PUT /v1/cluster/settings`; the unit comes last.
    package var name: String {
        switch self {
        case .valueBytesMax: "value_bytes_max"
        case .keyBytesMax: "path_bytes_max"
        case .keyLevelsMax: "path_levels_max"
        case .nodesChangedMax: "nodes_changed_max"
        case .stateBytesMax: "state_bytes_max"
        case .stateNodesMax: "state_nodes_max"
        case .historyBytesMax: "history_bytes_max"
        case .historyRevisionsMax: "history_revisions_max"
        case .clientsMax: "clients_max"
        case .idempotencyKeysMax: "idempotency_keys_max"
        case .idempotencyBytesMax: "idempotency_bytes_max"
        case .idempotencyKeptMilliseconds: "idempotency_kept_ms"
        case .clientKeptMilliseconds: "client_kept_ms"
        case .clientOpenMax: "client_open_max"
        }
    }

    /// The value of a new cluster.
    package var standard: UInt64 {
        switch self {
        case .valueBytesMax: 1 << 20
        case .keyBytesMax: 4096
        case .keyLevelsMax: 64
        case .nodesChangedMax: 10_000
        case .stateBytesMax: 4 << 30
        case .stateNodesMax: 10_000_000
        case .historyBytesMax: 256 << 20
        case .historyRevisionsMax: 10_000_000
        case .clientsMax: 100_000
        case .idempotencyKeysMax: 1_000_000
        case .idempotencyBytesMax: 512 << 20
        case .idempotencyKeptMilliseconds: 600_000
        case .clientKeptMilliseconds: 600_000
        case .clientOpenMax: 1024
        }
    }

    /// What a change may set it to. The upper bounds of bytes and counts are those that the formats carry.
    package var range: ClosedRange<UInt64> {
        switch self {
        case .valueBytesMax: 1...(4 << 20)
        case .keyBytesMax: 1...65_535
        case .keyLevelsMax: 1...1024
        case .nodesChangedMax: 1...1_000_000
        case .stateBytesMax: 1...(1 << 40)
        case .stateNodesMax: 1...1_000_000_000
        case .historyBytesMax: 0...(1 << 40)
        case .historyRevisionsMax: 0...1_000_000_000
        case .clientsMax, .idempotencyKeysMax: 1...100_000_000
        case .idempotencyBytesMax: 1...(1 << 40)
        case .idempotencyKeptMilliseconds, .clientKeptMilliseconds: 1...86_400_000
        case .clientOpenMax: 1...65_536
        }
    }
}

extension Setting {
    /// What the API offers. Retries of clients are harmless for as long as their outcomes are kept, and ten minutes
    /// of that are promised, so nobody may shorten it; tests of the state may.
    package var offered: ClosedRange<UInt64> {
        switch self {
        case .idempotencyKeptMilliseconds, .clientKeptMilliseconds: standard...range.upperBound
        case .valueBytesMax, .keyBytesMax, .keyLevelsMax, .nodesChangedMax, .stateBytesMax, .stateNodesMax,
            .historyBytesMax, .historyRevisionsMax, .clientsMax, .idempotencyKeysMax, .idempotencyBytesMax,
            .clientOpenMax:
            range
        }
    }
}

package struct SettingValue: Equatable, Sendable {
    package var setting: Setting
    package var value: UInt64

    package init(_ setting: Setting, _ value: UInt64) {
        self.setting = setting
        self.value = value
    }
}
