/// How a program ended, for the shell.
package enum ExitCode: Int32, Sendable {
    case success = 0
    /// It was tried and it failed: not found, no leader, a lost write.
    case failure = 1
    /// The command line was refused; nothing was tried.
    case usage = 2
    /// Done, except for what was named on standard error.
    case partial = 3
}
