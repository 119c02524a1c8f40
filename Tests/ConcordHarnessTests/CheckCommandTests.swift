import ConcordHarness
import Testing
