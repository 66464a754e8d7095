/// How large the documents of helpers may be.
package enum HelperLimits {
  /// Enough for 5,000 asks with long prompts; a tenant that prints more is refused.
  static let report = 16 << 20
  /// How every ref of a repository stood: some 300,000. Asked and stored is what was answered once, and a little around it.
  static let audit = 32 << 20
  package static let request = audit + (1 << 20)
}
