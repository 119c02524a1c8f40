import ConcordModel

/// The limits and rules that `apply` consults, as the log has set them.
struct ReplicatedSettings: Equatable, Sendable {
    private var values: [UInt64]

    init() {
        let last = Setting.allCases.map { Int($0.rawValue) }.max() ?? 0
        values = [UInt64](repeating: 0, count: last + 1)
        for setting in Setting.allCases { values[Int(setting.rawValue)] = setting.standard }
    }

    @inline(__always)
    subscript(setting: Setting) -> UInt64 { values[Int(setting.rawValue)] }

    /// All settings in the order of their numbers.
    var all: [SettingValue] {
        Setting.allCases.sorted { $0.rawValue < $1.rawValue }.map { SettingValue($0, self[$0]) }
    }

    /// Replaces the named settings; nothing changes when one is out of its range or named twice.
    mutating func change(_ changes: [SettingValue]) throws(Refused) {
        var changed = values
        var seen = [Bool](repeating: false, count: values.count)
        for change in changes {
            let position = Int(change.setting.rawValue)
            guard change.setting.range.contains(change.value), !seen[position] else {
                throw Refused(.invalidRequest, number: change.value, setting: change.setting)
            }
            seen[position] = true
            changed[position] = change.value
        }
        values = changed
    }
}
