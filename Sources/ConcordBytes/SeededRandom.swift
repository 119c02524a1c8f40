/// A small generator of random numbers (SplitMix64, Steele et al. 2014) that is a value: the same seed gives
/// the same numbers on every machine, so a run can be told again from its seed.
package struct SeededRandom: RandomNumberGenerator, Equatable, Sendable {
    package private(set) var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A number from 0 up to and not including `bound`; `bound` must be positive.
    package mutating func below(_ bound: UInt64) -> UInt64 {
        precondition(bound > 0, "a random number below zero was asked for")
        return next().multipliedFullWidth(by: bound).high
    }

    /// True in about `percent` of 100 cases.
    package mutating func chance(percent: UInt64) -> Bool {
        below(100) < percent
    }
}
