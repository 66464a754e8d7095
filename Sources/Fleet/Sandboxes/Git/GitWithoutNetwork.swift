// libgit2 sets up https, ssh and Kerberos as it starts, and nothing here speaks to another machine through it. These stand in for its own, so that
// a helper for each sandbox neither loads their libraries nor reads every certificate of the host: half of what it computes and of what it holds.

package typealias Anything = UnsafeRawPointer

// Linked statically (`deploy/static-libraries`) it has no others.
@c(git_mbedtls_stream_global_init) package func startNoTLS() -> CInt { 0 }
@c(git_mbedtls__set_cert_location) package func setNoCertificates(_: Anything?, _: Anything?) -> CInt { failed }
@c(git_mbedtls_stream_new) package func openNoTLS(_: Anything?, _: Anything?, _: Anything?) -> CInt { failed }
@c(git_mbedtls_stream_wrap) package func wrapNoTLS(_: Anything?, _: Anything?, _: Anything?) -> CInt { failed }
@c(git_transport_ssh_global_init) package func startNoSSH() -> CInt { 0 }
@c(git_smart_subtransport_ssh) package func openNoSSH(_: Anything?, _: Anything?, _: Anything?) -> CInt { failed }
@c(git_http_auth_negotiate) package func negotiateNothing(_: Anything?, _: Anything?) -> CInt { failed }

// Linked dynamically it starts with its own, and finds these of its libraries' functions first. Where it uses other libraries, nobody calls them.
@c(mbedtls_x509_crt_parse_file) package func readNoCertificates(_: Anything?, _: Anything?) -> CInt { noSuchFile }
@c(libssh2_init) package func startNoSecureShell(_: CInt) -> CInt { 0 }

/// GIT_ERROR
private let failed: CInt = -1
/// MBEDTLS_ERR_X509_FILE_IO_ERROR
private let noSuchFile: CInt = -0x2900
