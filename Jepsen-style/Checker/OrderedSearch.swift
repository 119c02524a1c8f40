extension Array {
    /// How many elements belong to the front of this array, in which none that does stands behind one that does not:
    /// found by halving.
    func countOfFront(where belongs: (Element) -> Bool) -> Int {
        var (lower, upper) = (0, count)
        while lower < upper {
            let middle = (lower + upper) / 2
            if belongs(self[middle]) { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }
}
