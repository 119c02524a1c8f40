#if SocketTransport
    import ConcordBytes
    import ConcordLinux

    /// The event loop of a socket transport; everything here happens on its thread.
    final class SocketExchanger {
        private struct Pool {
            /// Connections without an exchange; the last one used first, so that the others grow old.
            var idle: [UInt64] = []
            var waiting: [SocketExchange] = []
            /// Connections open, being made or being looked up.
            var openCount = 0
        }

        private let loop: EventLoop
        private let mailbox: Mailbox<SocketCommand>
        private let gate: SocketGate
        private let connectionsPerEndpoint: Int
        private let scratch = ScratchBuffer()
        private var connections: [UInt64: SocketConnection] = [:]
        /// Exchanges whose host name is being looked up, by the token of their connection to be.
        private var lookups: [UInt64: SocketExchange] = [:]
        /// Threads that look a name up, each until it has told the result.
        private var resolvers: [UInt64: Thread] = [:]
        private var pools: [ConcordEndpoint: Pool] = [:]
        private var nextToken: UInt64 = 0
        /// No exchange's time is over before this.
        private var earliestDeadline: UInt64?
        private var isClosed = false

        init(
            loop: consuming EventLoop, mailbox: Mailbox<SocketCommand>, gate: SocketGate, connectionsPerEndpoint: Int
        ) {
            self.loop = loop
            self.mailbox = mailbox
            self.gate = gate
            self.connectionsPerEndpoint = connectionsPerEndpoint
        }

        /// Runs until the transport is closed.
        func run() {
            var ready: [ReadyDescriptor] = []
            while !isClosed {
                do {
                    try loop.wait(until: earliestDeadline, into: &ready)
                } catch {
                    isClosed = true
                }
                for descriptor in ready { serve(descriptor) }
                for command in mailbox.takeAll() { obey(command) }
                expire()
            }
            end()
        }

        private func obey(_ command: SocketCommand) {
            switch command {
            case .exchange(let exchange): begin(exchange)
            case .cancel(let id): endExchanges { $0.id == id ? .cancelled : nil }
            case .resolved(let token, let result):
                let endpoint = lookups[token]?.endpoint
                resolved(token, result)
                // Whoever waits for the place of an exchange that found nobody gets it now.
                if let endpoint { serveWaiting(endpoint) }
            case .close: isClosed = true
            }
        }

        private func end() {
            gate.close()
            endExchanges { _ in .closed }
            for command in mailbox.takeAll() {
                if case .exchange(let exchange) = command {
                    exchange.continuation.resume(returning: .failure(.closed))
                }
            }
            connections = [:]
            for resolver in resolvers.values { resolver.join() }
        }

        // MARK: Exchanges

        private func begin(_ exchange: SocketExchange) {
            earliestDeadline = min(earliestDeadline ?? exchange.deadline, exchange.deadline)
            while let token = pools[exchange.endpoint]?.idle.popLast() {
                guard let connection = connections[token] else { continue }
                handle(connection.startSending(exchange), of: connection)
                return
            }
            pools[exchange.endpoint, default: Pool()].waiting.append(exchange)
            serveWaiting(exchange.endpoint)
        }

        /// Opens connections for exchanges that wait, as many as may be open.
        private func serveWaiting(_ endpoint: ConcordEndpoint) {
            while var pool = pools[endpoint], pool.openCount < connectionsPerEndpoint, !pool.waiting.isEmpty {
                let exchange = pool.waiting.removeFirst()
                pool.openCount += 1
                pools[endpoint] = pool
                look(up: exchange)
            }
        }

        /// Ends the exchanges for which `judgement` has a failure; their connections are closed, for a late reply
        /// must not be taken for the next one's.
        private func endExchanges(_ judgement: (SocketExchange) -> TransportFailure?) {
            var touched: Set<ConcordEndpoint> = []
            for endpoint in Array(pools.keys) {
                pools[endpoint]?.waiting.removeAll { exchange in
                    guard let failure = judgement(exchange) else { return false }
                    let reason = TransportFailure.notSent("all connections to \(endpoint) were busy")
                    exchange.continuation.resume(returning: .failure(failure == .timedOut ? reason : failure))
                    return true
                }
            }
            for (token, exchange) in lookups {
                guard let failure = judgement(exchange) else { continue }
                let reason = TransportFailure.notSent("the name of \(exchange.endpoint) was not found in time")
                exchange.continuation.resume(returning: .failure(failure == .timedOut ? reason : failure))
                lookups[token] = nil
                pools[exchange.endpoint]?.openCount -= 1
                touched.insert(exchange.endpoint)
            }
            for connection in Array(connections.values) {
                guard let exchange = connection.exchange, let failure = judgement(exchange) else { continue }
                let reason = TransportFailure.notSent("no connection in time")
                let unsent = failure == .timedOut && connection.isConnecting
                connection.exchange = nil
                exchange.continuation.resume(returning: .failure(unsent ? reason : failure))
                forget(connection)
                touched.insert(connection.endpoint)
            }
            for endpoint in touched { serveWaiting(endpoint) }
        }

        private func expire() {
            guard let earliest = earliestDeadline, !isClosed else { return }
            let now = SystemClock.monotonicMilliseconds()
            guard now >= earliest else { return }
            endExchanges { $0.deadline <= now ? .timedOut : nil }
            var next: UInt64?
            for pool in pools.values {
                for exchange in pool.waiting { next = min(next ?? exchange.deadline, exchange.deadline) }
            }
            for exchange in lookups.values { next = min(next ?? exchange.deadline, exchange.deadline) }
            for connection in connections.values {
                if let exchange = connection.exchange { next = min(next ?? exchange.deadline, exchange.deadline) }
            }
            earliestDeadline = next
        }

        // MARK: Connections

        /// Finds the addresses of the exchange's member: at once for a literal, else on a thread of its own, for
        /// the system's resolver may take seconds.
        private func look(up exchange: SocketExchange) {
            let token = nextToken
            nextToken += 1
            lookups[token] = exchange
            let target = HostAndPort(host: exchange.endpoint.host, port: exchange.endpoint.port)
            if let address = SocketAddress.literal(target) {
                resolved(token, .success([address]))
                return
            }
            let mailbox = self.mailbox
            do {
                resolvers[token] = try Thread.start(name: "concord-resolve") {
                    do throws(SystemError) {
                        mailbox.post(.resolved(connection: token, .success(try SocketAddress.resolve(target))))
                    } catch {
                        mailbox.post(.resolved(connection: token, .failure(error)))
                    }
                }
            } catch {
                resolved(token, .failure(error))
            }
        }

        private func resolved(_ token: UInt64, _ result: Result<[SocketAddress], SystemError>) {
            resolvers.removeValue(forKey: token)?.join()
            guard let exchange = lookups.removeValue(forKey: token) else { return }
            switch result {
            case .success(let addresses):
                connect(exchange, addresses[...], lastFailure: "no address")
            case .failure(let error):
                giveUp(exchange, "\(error)")
            }
        }

        /// Tries one address after the other.
        private func connect(_ exchange: SocketExchange, _ addresses: ArraySlice<SocketAddress>, lastFailure: String) {
            var addresses = addresses
            var lastFailure = lastFailure
            while let address = addresses.popFirst() {
                let token = nextToken
                nextToken += 1
                do {
                    let connection = SocketConnection(
                        token: token, endpoint: exchange.endpoint, socket: try StreamSocket.connect(to: address),
                        otherAddresses: addresses, exchange: exchange)
                    try loop.watch(connection.socket.number, token: token, interest: .writable)
                    connections[token] = connection
                    return
                } catch {
                    lastFailure = "\(error)"
                }
            }
            giveUp(exchange, lastFailure)
        }

        private func giveUp(_ exchange: SocketExchange, _ reason: String) {
            pools[exchange.endpoint]?.openCount -= 1
            exchange.continuation.resume(returning: .failure(.notSent(reason)))
        }

        private func serve(_ ready: ReadyDescriptor) {
            guard let connection = connections[ready.token] else { return }
            if connection.isConnecting {
                finishConnecting(connection)
            } else if ready.isReadable || ready.isClosed {
                handle(connection.receive(scratch), of: connection)
            } else {
                handle(connection.proceed(), of: connection)
            }
        }

        private func finishConnecting(_ connection: SocketConnection) {
            guard let exchange = connection.exchange else {
                preconditionFailure("a connection was being made for no exchange")
            }
            if let error = connection.socket.connectionResult() {
                connections[connection.token] = nil
                connect(exchange, connection.otherAddresses, lastFailure: "\(error)")
                serveWaiting(connection.endpoint)
                return
            }
            connection.isConnecting = false
            handle(connection.startSending(exchange), of: connection)
        }

        private func handle(_ progress: SocketConnection.Progress, of connection: SocketConnection) {
            switch progress {
            case .waits(let interest):
                watch(connection, interest)
            case .reply(let reply, let keepsAlive):
                let exchange = connection.exchange
                connection.exchange = nil
                if exchange == nil || !keepsAlive {
                    forget(connection)
                } else {
                    release(connection)
                }
                exchange?.continuation.resume(returning: .success(reply))
                serveWaiting(connection.endpoint)
            case .broken(let reason):
                let exchange = connection.exchange
                connection.exchange = nil
                forget(connection)
                exchange?.continuation.resume(returning: .failure(.interrupted(reason)))
                serveWaiting(connection.endpoint)
            }
        }

        /// Gives a connection to the exchange that waits longest, or to none.
        private func release(_ connection: SocketConnection) {
            if var pool = pools[connection.endpoint], !pool.waiting.isEmpty {
                let next = pool.waiting.removeFirst()
                pools[connection.endpoint] = pool
                handle(connection.startSending(next), of: connection)
            } else {
                watch(connection, .readable)
                pools[connection.endpoint, default: Pool()].idle.append(connection.token)
            }
        }

        private func watch(_ connection: SocketConnection, _ interest: Interest) {
            guard connection.interest != interest else { return }
            connection.interest = interest
            do {
                try loop.change(connection.socket.number, token: connection.token, interest: interest)
            } catch {
                handle(.broken("\(error)"), of: connection)
            }
        }

        private func forget(_ connection: SocketConnection) {
            loop.ignore(connection.socket.number)
            connections[connection.token] = nil
            pools[connection.endpoint]?.openCount -= 1
            pools[connection.endpoint]?.idle.removeAll { $0 == connection.token }
        }
    }
#endif
