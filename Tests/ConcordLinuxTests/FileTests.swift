import ConcordLinux
import Testing

@Suite("Files")
struct FileTests {
    @Test("are written and read at positions, and end where they end")
    func positions() throws {
        try withDirectory { path in
            let directory = try Directory(path)
            let file = try directory.open("log", creating: true)
            try file.write([1, 2, 3], at: 5)
            try file.synchronizeData()
            #expect(try file.size() == 8)
            #expect(try file.read(at: 0, count: 100) == [0, 0, 0, 0, 0, 1, 2, 3])
            #expect(try file.read(at: 6, count: 1) == [2])
            #expect(try file.read(at: 9, count: 4) == [])
            try file.truncate(to: 6)
            try file.synchronize()
            #expect(try file.read(at: 0, count: 100) == [0, 0, 0, 0, 0, 1])
            try file.allocate(at: 0, count: 4096)
            #expect(try file.size() == 4096)
        }
    }

    @Test("are listed sorted, renamed over another and removed")
    func names() throws {
        try withDirectory { path in
            let directory = try Directory(path)
            #expect(try directory.list() == [])
            for name in ["b", "a", "ü"] { _ = try directory.open(name, creating: true).size() }
            #expect(try directory.list() == ["a", "b", "ü"])
            try directory.rename("a", to: "b")
            try directory.remove("ü")
            try directory.synchronize()
            #expect(try directory.list() == ["b"])
        }
    }

    @Test("that are not there are told by name")
    func missing() throws {
        try withDirectory { path in
            let directory = try Directory(path)
            #expect {
                _ = try directory.open("member", creating: false).size()
            } throws: { error in
                guard let error = error as? SystemError else { return false }
                return error.isNotFound && error.description.contains("member")
                    && error.description.contains("No such file")
            }
            #expect(throws: SystemError.self) { try directory.remove("member") }
            #expect(throws: SystemError.self) { try directory.rename("member", to: "other") }
        }
    }

    @Test("are locked against every other opening, until they are closed")
    func locks() throws {
        try withDirectory { path in
            let directory = try Directory(path)
            do {
                let first = try directory.open("lock", creating: true)
                #expect(try first.lock())
                let second = try directory.open("lock", creating: true)
                #expect(try !second.lock())
            }
            let third = try directory.open("lock", creating: true)
            #expect(try third.lock())
        }
    }

    @Test("directories are made with those above them, once")
    func directories() throws {
        try withDirectory { path in
            let deep = path + "/a/b//c/"
            #expect(try Directory.create(deep) == [path, path + "/a", path + "/a/b"])
            #expect(try Directory.create(deep) == [])
            #expect(try Directory(deep).list() == [])
            _ = try Directory(path).open("file", creating: true).size()
            #expect(throws: SystemError.self) { try Directory.create(path + "/file/below") }
        }
    }
}

/// Runs `body` with a new, empty directory and removes it afterwards.
func withDirectory(_ body: (String) throws -> Void) throws {
    let path = "/tmp/concord-linux-tests-\(SystemRandom.uint64())"
    _ = try Directory.create(path)
    defer {
        let removal = try? ChildProcess(path: "/bin/rm", arguments: ["-rf", path])
        _ = removal?.wait(milliseconds: 10_000)
    }
    try body(path)
}
