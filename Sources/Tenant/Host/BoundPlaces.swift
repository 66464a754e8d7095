import Glibc
import SystemPackage

/// The hop before `bwrap`: `looop _ bind -- BWRAP OPTIONS… -- COMMAND…`. It opens what is to be bound, by links of root's only
/// (``RootsLinks``), and hands descriptors over in the paths' place: what bwrap finds by itself is what the tenant's links say at
/// that moment.
package enum BoundPlaces {
  /// *Ends the process*: it becomes the program, or says why not.
  package static func run(arguments: [String]) -> Never {
    guard arguments.count >= 2, arguments[0] == "--" else {
      Confine.fail(Confine.failure, "usage: looop _ bind -- PROGRAM…")
    }
    do {
      Confine.execute(try words(Array(arguments[1...])))
    } catch {
      Confine.fail(Confine.failure, "bind: \(error)")
    }
  }

  private struct Option {
    var byDescriptor: String
    var isOptional: Bool
    var isWritable: Bool
  }

  private static let options = [
    "--bind": Option(byDescriptor: "--bind-fd", isOptional: false, isWritable: true),
    "--bind-try": Option(byDescriptor: "--bind-fd", isOptional: true, isWritable: true),
    "--ro-bind": Option(byDescriptor: "--ro-bind-fd", isOptional: false, isWritable: false),
    "--ro-bind-try": Option(byDescriptor: "--ro-bind-fd", isOptional: true, isWritable: false),
  ]

  private static func words(_ command: [String]) throws(ConfineError) -> [String] {
    var words: [String] = []
    var rest = command[...]
    while let word = rest.popFirst(), word != "--" {
      guard let option = options[word], let source = rest.popFirst(), let target = rest.popFirst() else {
        words.append(word)
        continue
      }
      do throws(HostError) {
        let place = try RootsLinks.open(FilePath(source))
        // It outlives this program's end, for the next one.
        guard fcntl(place.raw, F_SETFD, 0) == 0 else { throw .last("hand over", FilePath(source)) }
        words += [option.byDescriptor, String(place.release()), target]
      } catch {
        // A link that is not root's is no place that the configuration names; where nothing is written it stays hidden.
        if option.isOptional, error.isAbsent || error.errno == ELOOP && !option.isWritable { continue }
        throw error.errno == ELOOP
          ? ConfineError(step: "bind \(source)", reason: RootsLinks.refusal)
          : ConfineError(step: "bind \(source)", reason: "\(error)")
      }
    }
    return words + ["--"] + rest
  }
}
