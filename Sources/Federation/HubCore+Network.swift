import Casework

extension HubCore {
    /// Writes rules that a person of the hub sets, where they differ from what holds.
    mutating func set(
        _ wished: [NetworkChange], by actor: Actor, _ effects: inout Effects, now: Instant,
        random: inout some RandomNumberGenerator
    ) {
        do throws(NetworkRefusal) {
            // A node may hold later rules than this hub was brought back with.
            if let origin = restoration?.awaited.min() { throw .awaiting(origin) }
            for change in try desk.network.decide(wished) {
                let event = desk.write(rule: change, actor: actor, now: now, random: &random)
                if let event {
                    number(rule: event, &effects)
                } else {
                    effects.alarms.append((.hub, Alarm(code: .notWritten, detail: change.type)))
                }
            }
            desk.refoldRules()
        } catch {
            effects.ruleRefusal = error
        }
    }

    /// Numbers a rule that is already in the book.
    mutating func number(rule event: Event, _ effects: inout Effects) {
        position += 1
        effects.numbered.append(Effects.Numbered(position: position, event: event))
        if let chain = desk.journal.chain(of: event.envelope.incarnation) { effects.note(chain, of: .hub) }
    }

    /// A row for each new rule to every destination; one that is new gets all earlier rules first. A region's feed
    /// begins when the region is set, whether or not its node has ever dialled.
    mutating func routeRules(_ effects: inout Effects) {
        let new = effects.numbered.map(\.event).filter { $0.isRule }
        guard !new.isEmpty else { return }
        let destinations = Set(desk.network.regions.map(\.origin)).union(feeds.keys).subtracting([.hub]).sorted()
        for destination in destinations {
            for event in feeds[destination] == nil ? desk.rules.events : new {
                row(rule: event, to: destination, &effects)
            }
        }
    }

    /// The feed of a destination begins: it gets the rules before anything else.
    mutating func beginFeed(of destination: Origin, _ effects: inout Effects) {
        guard feeds[destination] == nil, destination != .hub else { return }
        feeds[destination] = 0
        for event in desk.rules.events { row(rule: event, to: destination, &effects) }
    }

    private mutating func row(rule event: Event, to destination: Origin, _ effects: inout Effects) {
        let seq = feeds[destination, default: 0] + 1
        feeds[destination] = seq
        effects.routed.append(
            Effects.Routed(
                destination: destination, seq: seq, event: event.hash, origin: .hub, place: event.place,
                withPart: false, hubIncarnation: desk.writer.incarnation))
    }
}
