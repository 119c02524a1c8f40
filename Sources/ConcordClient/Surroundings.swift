/// What the retries need of the world: time and chance. Tests bring their own.
package struct Surroundings: Sendable {
    /// Time since some moment, that never goes back and runs on while the machine sleeps.
    package var now: @Sendable () -> Duration
    /// Waits; returns early, without an error, when the task is cancelled.
    package var sleep: @Sendable (Duration) async -> Void
    package var random: @Sendable () -> UInt64

    package init(
        now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async -> Void,
        random: @escaping @Sendable () -> UInt64
    ) {
        self.now = now
        self.sleep = sleep
        self.random = random
    }

    package static let system: Surroundings = {
        let start = ContinuousClock.now
        return Surroundings(
            now: { ContinuousClock.now - start },
            sleep: { _ = try? await Task.sleep(for: $0, clock: .continuous) },
            random: {
                var generator = SystemRandomNumberGenerator()
                return generator.next()
            })
    }()
}
