/// One line on standard error that is written over and over, at most ten times a second, and only on a terminal.
package struct ProgressLine {
    private let isShown: Bool
    private let clock = ContinuousClock()
    private var lastDrawn: ContinuousClock.Instant?

    package init(isShown: Bool = StandardStream.error.isTerminal) {
        self.isShown = isShown
    }

    /// Shows `text` unless something was shown less than 100 ms ago.
    package mutating func show(_ text: @autoclosure () -> String) {
        guard isShown else { return }
        let now = clock.now
        if let lastDrawn, now - lastDrawn < .milliseconds(100) { return }
        lastDrawn = now
        StandardStream.error.write("\r\u{1B}[K\(text())")
    }

    /// Removes the line, so that what is printed next starts at the margin.
    package mutating func clear() {
        guard lastDrawn != nil else { return }
        lastDrawn = nil
        StandardStream.error.write("\r\u{1B}[K")
    }
}
