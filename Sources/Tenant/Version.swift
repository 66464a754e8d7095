/// The one place that says which version this is; checked against the tag when a release is made.
package enum Version {
  package static let current = "0.1.0"
}
