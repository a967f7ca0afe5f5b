import Casework

/// What has been done to whom: only this may ring alarms.
struct Causes {
    /// Went back to an older state.
    var restored: Set<Origin> = []
    /// Wrote before it knew what the hub holds of it.
    var blind: Set<Origin> = []
    /// Ran twice.
    var copied: Set<Origin> = []
    /// Both of its copies spoke to the hub without faults.
    var met: Set<Origin> = []
    /// Had a clock that runs ahead of the hub's by more than is borne.
    var ahead: Set<Origin> = []
    /// The hub's own clock went back, so others seem ahead.
    var hubClock = false
    var hubRestored = false
    /// Not known at all to the older state that came back.
    var forgotten: Set<Origin> = []
    /// Sent or stored bytes that were damaged.
    var flipped: Set<Origin> = []
    var hubFlipped = false
    /// Forges, replays, lies.
    var hostile: Set<Origin> = []
}
