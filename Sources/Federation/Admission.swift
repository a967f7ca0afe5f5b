/// What goes into the writer's next transaction. Nodes that return with weeks of backlog come in large batches: each
/// transaction takes a bounded number of their events, so that live traffic goes on beside them.
public enum Admission {
    /// A batch of more events than this is somebody catching up.
    public static let large = 64
    /// Events of large batches in one transaction; the first large batch always goes.
    public static let bound = 2_000

    /// - Parameters:
    ///   - sizes: how many events each waiting item brings, in order of arrival.
    ///   - limit: items that one transaction takes.
    /// - Returns: the indices of those that go now, ascending.
    public static func choose(_ sizes: [Int], limit: Int) -> [Int] {
        var room = bound
        var chosen: [Int] = []
        for (index, size) in sizes.enumerated() where chosen.count < limit {
            if size > large {
                guard size <= room || room == bound else { continue }
                room -= size
            }
            chosen.append(index)
        }
        return chosen
    }
}
