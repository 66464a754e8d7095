import HTTPTypes
import Hummingbird
import NIOCore
import Tenant

extension Response {
  static func json(_ value: JSON, status: HTTPResponse.Status = .ok) -> Response {
    text(value.compact + "\n", type: "application/json", status: status)
  }

  static func text(_ text: String, type: String, status: HTTPResponse.Status = .ok) -> Response {
    // Never cached and never guessed at, should a proxy ever stand before the socket.
    Response(
      status: status, headers: [.contentType: type, .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  static func problem(_ refusal: FleetRefusal) -> Response {
    json(refusal.json, status: HTTPResponse.Status(code: refusal.class.statuses.http))
  }
}

extension Request {
  /// An answer or an amount. What a person types, and a good deal more.
  static let smallBody = 64 << 10
  /// A goal or a playbook on a verb's stdin.
  static let largeBody = 1 << 20

  /// The body as a JSON object; an empty body is an empty object.
  func jsonBody(upTo limit: Int = Request.smallBody) async throws -> JSON {
    let buffer: ByteBuffer
    do {
      buffer = try await body.collect(upTo: limit)
    } catch is NIOTooManyBytesError {
      throw FleetRefusal(.tooLarge, "the request's body is larger than \(limit) bytes")
    }
    return try Self.object(buffer)
  }

  /// The same for what may wait or run long: it is cancelled as soon as the client hangs up.
  func whileConnected(
    upTo limit: Int, _ work: @Sendable (JSON) async throws -> Response
  ) async throws -> Response {
    // The server library ends the whole process where the stream of a body is let go unfinished in here: its end must be certain.
    guard headers[.transferEncoding] == nil, headers[.contentLength].flatMap({ Int($0) }) ?? 0 <= limit else {
      throw FleetRefusal(.tooLarge, "the request's body is larger than \(limit) bytes, or does not say how large it is")
    }
    return try await body.consumeWithCancellationOnInboundClose { body in
      var whole = ByteBuffer()
      for try await part in body { whole.writeImmutableBuffer(part) }
      return try await work(try Self.object(whole))
    }
  }

  private static func object(_ buffer: ByteBuffer) throws(FleetRefusal) -> JSON {
    guard buffer.readableBytes > 0 else { return [:] }
    let json: JSON
    do throws(JSONError) {
      json = try JSON(parsing: Array(buffer.readableBytesView))
    } catch {
      throw FleetRefusal(.invalidArgument, "the request's body is not JSON: \(error)")
    }
    guard json.object != nil else { throw FleetRefusal(.invalidArgument, "the request's body is not a JSON object") }
    return json
  }

  func query(_ name: String) -> String? {
    uri.queryParameters[name[...]].map(String.init).flatMap { $0.isEmpty ? nil : $0 }
  }

  /// A whole number in a range; nil where the query lacks it.
  func query(_ name: String, in range: ClosedRange<Int>) throws(FleetRefusal) -> Int? {
    guard let text = query(name) else { return nil }
    guard let value = Int(text), range.contains(value) else {
      throw FleetRefusal(
        .invalidArgument,
        "\(name)=\(Display.line(text)) is not a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func flag(_ name: String) -> Bool {
    switch query(name) {
    case "1", "true", "yes": true
    default: false
    }
  }
}
