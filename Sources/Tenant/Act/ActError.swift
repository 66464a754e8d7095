/// Why a move was not carried out, or failed: one line for whoever asked, and for the next prompt's LAST FAILURE.
package struct ActError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Code: String, Sendable, CaseIterable {
    case invalidArgument, notFound, forbidden, refused, failed
  }

  package var code: Code
  package var message: String
  package var hint: String?

  package init(_ code: Code, _ message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  package var description: String { message }
}
