internal import CConcordLinux

/// What a program says when a fault of its own ends it: which of its many works was under way.
package enum LastWords {
    /// From now on a trap, or the end of the allowed processor time, writes the last words of its thread to standard
    /// error before it ends the program. To be called once.
    package static func willBeSaid() {
        concord_say_last_words()
    }

    /// Sets those of the calling thread, at most 255 bytes.
    package static func set(_ words: String) {
        // Safe: the text ends with a zero byte and is copied.
        unsafe words.withCString { unsafe concord_set_last_words($0) }
    }
}
