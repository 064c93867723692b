package dev.sennit.server;

import com.sun.net.httpserver.Authenticator;
import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpPrincipal;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.http.HttpField;
import org.jspecify.annotations.Nullable;

/** A call as handlers of the JDK's interface see it. Only the handler's thread. */
final class SunExchange extends HttpExchange {
    private final Call call;
    private final HttpContext context;
    private final URI target;
    private final Headers requestHeaders = new Headers();
    private final Headers responseHeaders = new Headers();
    private final Map<String, @Nullable Object> attributes = new HashMap<>();
    private final OutputStream body = new Body();
    private InputStream in;
    private OutputStream out = body;
    private int status = -1;
    /** Null before the head of the response was given. */
    private @Nullable ResponseOutput sent;

    /** @throws TargetException if the target is no URI of the JDK's */
    SunExchange(Call call, String path, HttpHandler handler) throws TargetException {
        this.call = call;
        context = new Context(path, handler);
        try {
            target = new URI(call.target());
        } catch (URISyntaxException e) {
            throw new TargetException(e);
        }
        for (HttpField field : call.headers()) {
            String value = field.getValue();
            requestHeaders.add(field.getName(), value == null ? "" : value);
        }
        in = call.body();
    }

    /** The target of a request cannot be read. */
    static final class TargetException extends IOException {
        private static final long serialVersionUID = 1L;

        TargetException(Exception cause) {
            super("the target of the request is no URI", cause);
        }
    }

    /** Ends the response of a handler that has returned and not closed the exchange. */
    void ensureEnded() throws IOException {
        ResponseOutput begun = sent;
        if (begun != null) {
            out.close();
            begun.close();
        }
    }

    @Override
    public Headers getRequestHeaders() {
        return requestHeaders;
    }

    @Override
    public Headers getResponseHeaders() {
        return responseHeaders;
    }

    @Override
    public URI getRequestURI() {
        return target;
    }

    @Override
    public String getRequestMethod() {
        return call.method();
    }

    @Override
    public HttpContext getHttpContext() {
        return context;
    }

    @Override
    public void close() {
        try {
            ensureEnded();
        } catch (IOException e) {
            // the client gets no whole response: the connection is cut when the handler has returned
        }
    }

    @Override
    public InputStream getRequestBody() {
        return in;
    }

    @Override
    public OutputStream getResponseBody() {
        return out;
    }

    @Override
    public void sendResponseHeaders(int code, long length) throws IOException {
        if (sent != null) {
            throw new IOException("the head of the response was sent already");
        }
        if (code < 200 || code > 599) {
            throw new IOException("the status must be from 200 to 599, was " + code);
        }
        List<WebResponse.Field> fields = new ArrayList<>();
        responseHeaders.forEach((name, values) -> {
            // how the body is framed is the server's matter
            if (!name.equalsIgnoreCase("Content-length") && !name.equalsIgnoreCase("Transfer-encoding")) {
                for (String value : values) {
                    fields.add(new WebResponse.Field(
                            Fields.ensureName(name), Fields.ensureValue(name, value == null ? "" : value)));
                }
            }
        });
        boolean isOnlyHead = call.method().equals("HEAD") || code == 204 || code == 304;
        long ofGet = length > 0 ? length : ownLength();
        if (isOnlyHead && ofGet >= 0 && code != 204) { // what the body of a GET would have
            fields.add(new WebResponse.Field("Content-Length", Long.toString(ofGet)));
        }
        ResponseOutput begun = call.begin(
                code, fields, isOnlyHead || length == 0 ? Call.UNKNOWN_LENGTH : Math.max(0, length));
        sent = begun;
        status = code;
        if (isOnlyHead && ofGet < 0) {
            call.sendHead();
        }
        if (isOnlyHead || length < 0) {
            begun.close();
        }
    }

    /** Returns the length that the handler has told in its fields; -1 if it has told none. */
    private long ownLength() {
        String told = responseHeaders.getFirst("Content-length");
        return told != null && told.matches("[0-9]{1,18}") ? Long.parseLong(told) : -1;
    }

    @Override
    public InetSocketAddress getRemoteAddress() {
        return call.remoteAddress();
    }

    @Override
    public int getResponseCode() {
        return status;
    }

    @Override
    public InetSocketAddress getLocalAddress() {
        return call.localAddress();
    }

    @Override
    public String getProtocol() {
        return call.protocol();
    }

    @Override
    public @Nullable Object getAttribute(String name) {
        return attributes.get(name);
    }

    @Override
    public void setAttribute(String name, @Nullable Object value) {
        attributes.put(name, value);
    }

    @Override
    public void setStreams(@Nullable InputStream newIn, @Nullable OutputStream newOut) {
        if (newIn != null) {
            in = newIn;
        }
        if (newOut != null) {
            out = newOut;
        }
    }

    @Override
    @SuppressWarnings("NullAway") // the JDK's interface is not annotated: null is nobody
    public HttpPrincipal getPrincipal() {
        return null;
    }

    /** The stream that is there before the head of the response was sent. */
    private final class Body extends OutputStream {
        private ResponseOutput output() throws IOException {
            ResponseOutput begun = sent;
            if (begun == null) {
                throw new IOException("the head of the response was not sent: call sendResponseHeaders first");
            }
            return begun;
        }

        @Override
        public void write(int one) throws IOException {
            output().write(one);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            output().write(bytes, from, length);
        }

        @Override
        public void flush() throws IOException {
            output().flush();
        }

        @Override
        public void close() throws IOException {
            output().close();
        }
    }

    /** The path and the handler. */
    private static final class Context extends HttpContext {
        private final String path;
        private final HttpHandler handler;
        private final Map<String, Object> attributes = new HashMap<>();

        Context(String path, HttpHandler handler) {
            this.path = path;
            this.handler = handler;
        }

        @Override
        public HttpHandler getHandler() {
            return handler;
        }

        @Override
        public void setHandler(HttpHandler other) {
            throw new UnsupportedOperationException("routes do not change while the server runs");
        }

        @Override
        public String getPath() {
            return path;
        }

        @Override
        public HttpServer getServer() {
            throw new UnsupportedOperationException("the server is not one of the JDK's");
        }

        @Override
        public Map<String, Object> getAttributes() {
            return attributes;
        }

        @Override
        public List<Filter> getFilters() {
            return List.of();
        }

        @Override
        public Authenticator setAuthenticator(Authenticator other) {
            throw new UnsupportedOperationException("authenticate in the handler");
        }

        @Override
        @SuppressWarnings("NullAway") // the JDK's interface is not annotated: null is none
        public Authenticator getAuthenticator() {
            return null;
        }
    }
}
