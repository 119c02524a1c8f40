import ConcordModel
import Testing

@Suite struct SettingTests {
    /// The numbers on disk and the names of the API, for ever.
    @Test func everySettingKeepsItsNumberAndName() {
        let known: [(Setting, UInt16, String, UInt64)] = [
            (.valueBytesMax, 1, "value_bytes_max", 1_048_576),
            (.keyBytesMax, 2, "path_bytes_max", 4096),
            (.keyLevelsMax, 3, "path_levels_max", 64),
            (.nodesChangedMax, 4, "nodes_changed_max", 10_000),
            (.stateBytesMax, 5, "state_bytes_max", 4_294_967_296),
            (.stateNodesMax, 6, "state_nodes_max", 10_000_000),
            (.historyBytesMax, 7, "history_bytes_max", 268_435_456),
            (.historyRevisionsMax, 8, "history_revisions_max", 10_000_000),
            (.clientsMax, 9, "clients_max", 100_000),
            (.idempotencyKeysMax, 10, "idempotency_keys_max", 1_000_000),
            (.idempotencyBytesMax, 11, "idempotency_bytes_max", 536_870_912),
            (.idempotencyKeptMilliseconds, 12, "idempotency_kept_ms", 600_000),
            (.clientKeptMilliseconds, 13, "client_kept_ms", 600_000),
            (.clientOpenMax, 14, "client_open_max", 1024),
        ]
        #expect(known.count == Setting.allCases.count)
        for (setting, number, name, standard) in known {
            #expect(setting.rawValue == number)
            #expect(setting.name == name)
            #expect(setting.standard == standard)
            #expect(setting.range.contains(standard), "\(name)")
        }
    }

    /// JSON numbers stay exact below 2⁵³.
    @Test func everySettingFitsIntoTheFormatsThatCarryIt() {
        for setting in Setting.allCases {
            #expect(setting.range.upperBound < 1 << 53, "\(setting.name)")
        }
        #expect(Setting.valueBytesMax.range.upperBound == UInt64(ModelLimits.valueBytesMax))
        #expect(Setting.keyBytesMax.range.upperBound == UInt64(ModelLimits.keyBytesMax))
        #expect(Setting.allCases.count <= ModelLimits.settingsPerCommandMax)
    }

    @Test func refusalsKeepTheirNumbers() {
        #expect(RefusalCode.allCases.map(\.rawValue) == [UInt8](1...23))
        #expect(RefusalCode.notFound.rawValue == 1)
        #expect(RefusalCode.otherTerm.rawValue == 15)
        #expect(NodeKind.allCases.map(\.rawValue) == [1, 2, 3, 4])
        #expect(NodeKind.allCases.map(\.word) == ["persistent", "ephemeral", "container", "ttl"])
    }

    /// Retries rest on outcomes being kept for ten minutes; nobody may shorten that.
    @Test func retentionOfOutcomesCannotBeShortened() {
        for setting in [Setting.idempotencyKeptMilliseconds, .clientKeptMilliseconds] {
            #expect(setting.offered.lowerBound == 600_000)
            #expect(setting.range.contains(setting.offered.upperBound))
        }
        #expect(Setting.valueBytesMax.offered == Setting.valueBytesMax.range)
    }
}
