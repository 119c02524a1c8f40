/// An answer would have to look at more records than one question may.
struct TooMuchWork: Error {}

/// What one question to the state may still look at. All questions are answered by the loop that also keeps the
/// cluster alive, so none may take it for long.
struct StepBudget {
    private var stepsLeft = StateLimits.stepsPerAnswerMax

    var stepsTaken: Int { StateLimits.stepsPerAnswerMax - stepsLeft }

    /// - Parameter steps: 1 for a look at an event; other things by what they cost in comparison.
    @inline(__always)
    mutating func spend(_ steps: Int) throws(TooMuchWork) {
        stepsLeft -= steps
        if stepsLeft < 0 { throw TooMuchWork() }
    }
}
