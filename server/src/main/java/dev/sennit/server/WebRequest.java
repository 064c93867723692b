package dev.sennit.server;

import dev.sennit.Action;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** A request on a route. May be used until its handler has returned, by one thread at a time. */
public final class WebRequest {
    private final Call call;
    private final Map<String, String> parameters;

    WebRequest(Call call, Map<String, String> parameters) {
        this.call = call;
        this.parameters = parameters;
    }

    /**
     * The method.
     *
     * @return {@code GET}, for example
     */
    public String method() {
        return call.method();
    }

    /**
     * The path, decoded and without dots.
     *
     * @return {@code /photos/a b} for {@code /x/../photos/a%20b}
     */
    public String path() {
        return call.path();
    }

    /**
     * A part of the path for which the route has a parameter.
     *
     * @param name {@code id} for the route {@code /photos/{id}}
     * @return the part, decoded; never empty
     * @throws IllegalArgumentException if the route has no such parameter
     */
    public String parameter(String name) {
        String value = parameters.get(name);
        if (value == null) {
            throw new IllegalArgumentException(
                    "the route has no parameter " + name + "; it has " + parameters.keySet());
        }
        return value;
    }

    /**
     * A value of the query.
     *
     * @param name its name
     * @return the first value of that name, decoded; empty if there is none
     */
    public Optional<String> query(String name) {
        return Optional.ofNullable(call.query(name));
    }

    /**
     * A header field.
     *
     * @param name its name, in any case
     * @return the first value; empty if there is none
     */
    public Optional<String> header(String name) {
        return Optional.ofNullable(call.header(name));
    }

    /**
     * All values of a header field.
     *
     * @param name its name, in any case
     * @return the values, in order
     */
    public List<String> headers(String name) {
        return call.headers(name);
    }

    /**
     * The body. A read fails with an {@link IOException} if the body is longer than {@link ServerSettings#bodySize}, if
     * the client stalls or goes away, and when the deadline of the request is over; then nothing needs to be answered.
     *
     * @return always the same stream
     */
    public InputStream body() {
        return call.body();
    }

    /**
     * The whole body.
     *
     * @return the bytes
     * @throws IOException as a read of {@link #body} does
     */
    public byte[] bytes() throws IOException {
        return body().readAllBytes();
    }

    /**
     * The client: what a {@linkplain FrontSettings#proxies trusted proxy} says of it, otherwise the other end of the
     * connection. Unresolved, and without a port, if it is not known: {@code localhost} over a Unix socket, or the name
     * that the proxy gives.
     *
     * @return its address
     */
    public InetSocketAddress remoteAddress() {
        return call.remoteAddress();
    }

    /**
     * The scheme by which the client has asked, as far as the server or a {@linkplain FrontSettings#proxies trusted
     * proxy} knows it.
     *
     * @return {@code http} or {@code https}
     */
    public String scheme() {
        return call.scheme();
    }

    /**
     * The host that the client has asked for, as a {@linkplain FrontSettings#proxies trusted proxy} or the client says.
     *
     * @return such as {@code shop.example:8443}; empty if none was named
     */
    public String host() {
        return call.host();
    }

    /**
     * An id of the request: that of a {@linkplain FrontSettings#proxies trusted proxy}, in {@code X-Request-Id}, or one
     * that no other request of any worker has. The access log has it too.
     *
     * @return letters, digits and {@code . _ : / + = @ -}, 128 at most
     */
    public String id() {
        return call.id();
    }

    /**
     * Has a task run when the response was sent whole, such as mail or an index that the client need not wait for. It
     * does not run if the response was not sent: the handler threw, its deadline was over, or the client has gone. It
     * has no more time than a request, and is interrupted then. A failure is logged. A worker that stops waits for the
     * task; a worker that is killed loses it. Use a durable queue for what must not be lost.
     *
     * @param task the task, which must not use the request
     * @throws RefusedException with 503, if too many tasks wait; not to be caught, so that the client comes back later
     */
    public void afterResponse(Action task) throws RefusedException {
        call.afterwards(Objects.requireNonNull(task, "task"));
    }

    /**
     * The parts of a body of type {@code multipart/form-data}. They are gone when the handler has returned.
     *
     * @param limits how many there may be, and how large
     * @return the parts, in order
     * @throws RefusedException if the body is of another type (415), is no such form (400), or is too large (413)
     * @throws IOException as a read of {@link #body} does
     * @throws InterruptedException if the deadline of the request is over
     */
    public List<WebPart> parts(MultipartLimits limits) throws IOException, InterruptedException, RefusedException {
        return Multipart.parse(call, limits);
    }

    /** Returns the method and the path. */
    @Override
    public String toString() {
        return call.toString();
    }
}
