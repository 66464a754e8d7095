import HTTPTypes
import Hummingbird
import Logging

/// The first thing a request meets: finds out who sent it, holds floods back, and turns whatever goes wrong behind it into a problem
/// document. So a route may throw, and a client always gets JSON that says what to do.
struct Doorman: RouterMiddleware {
  typealias Context = ControlContext

  /// nil: the caller cannot be known. Replaced in tests, which have no socket.
  let identify: @Sendable (Request, ControlContext) async -> Caller?
  let rateLimit: RateLimit

  func handle(
    _ request: Request, context: ControlContext, next: @concurrent (Request, ControlContext) async throws -> Response
  ) async throws -> Response {
    do {
      // A load balancer's question has no caller worth knowing, and its answer no content worth guarding.
      if request.uri.path == "/healthz" { return try await next(request, context) }
      var context = context
      guard let caller = await identify(request, context) else {
        throw FleetRefusal(
          .permissionDenied, "the system does not say who is calling",
          hint: "use the control socket itself, not a relay")
      }
      if let refusal = rateLimit.refusal(for: caller) { throw refusal }
      context.caller = caller
      return try await next(request, context)
    } catch {
      return Response.problem(Self.refusal(for: error, request: request, logger: context.logger))
    }
  }

  static func refusal(for error: any Error, request: Request, logger: Logger) -> FleetRefusal {
    switch error {
    case let refusal as FleetRefusal: return refusal
    // Nobody is there to read it.
    case is CancellationError: return FleetRefusal(.unavailable, "the client hung up, or the fleet is stopping")
    case let error as HTTPError:
      switch error.status.code {
      case 404:
        return FleetRefusal(
          .notFound, "there is no \(request.method.rawValue) \(Display.line(request.uri.path))",
          hint: "the routes are GET /v1/status, /v1/asks, /v1/workers, /v1/wait, /v1/events and others; see the manual")
      case 413: return FleetRefusal(.tooLarge, "the request's body is too large")
      default: return FleetRefusal(.invalidArgument, error.body ?? "the request cannot be understood")
      }
    default:
      // The end of this error's way: here, and only here, it is logged.
      logger.error("request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
      return FleetRefusal(.internal, "the fleet failed at this request", hint: "its log says more")
    }
  }
}
