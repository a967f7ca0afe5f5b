import Glibc
import Simulator

// usage: mutant A..B    Runs seeds until one fails; says which, and ends with 1.
let ends =
  CommandLine.arguments.dropFirst().first?.split(separator: ".").compactMap { UInt64($0) } ?? [
    1, 1000,
  ]
let campaign = await Campaign.run(ends[0]...ends[1], workers: 2, stopsAtFirst: true)
if let failure = campaign.failures.first {
  print("seed \(failure.seed) \(failure.outcome.message ?? "")")
  exit(1)
}
print("\(campaign.count) seeds clean")
