package dev.sennit.server;

import dev.sennit.server.traffic.AccessLog;
import dev.sennit.server.traffic.LogFile;
import dev.sennit.server.traffic.Proxies;
import dev.sennit.server.traffic.TrafficFigures;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.RequestLog;
import org.eclipse.jetty.server.Response;
import org.jspecify.annotations.Nullable;

/**
 * Hears of each request when it begins and when it has ended, gives it an id, counts it, and writes the access log.
 * Jetty calls {@link #log} once the response is with the system, or cannot be: also for requests that it refuses
 * itself.
 */
final class Traffic implements RequestLog, AutoCloseable {
    static final String ID_FIELD = "X-Request-Id";

    private static final Pattern ID = Pattern.compile("[A-Za-z0-9._:/+=@-]{1,128}");
    private static final int PREFIX_BYTES = 8;

    private final FrontSettings front;
    private final Proxies proxies;
    private final @Nullable AccessLog accessLog;
    /** Tells the ids of this process from those of others. */
    private final String prefix;
    private final AtomicLong ids = new AtomicLong();
    private final TrafficFigures figures = new TrafficFigures();

    Traffic(FrontSettings front) {
        this.front = front;
        proxies = new Proxies(front.proxies());
        byte[] random = new byte[PREFIX_BYTES];
        new SecureRandom().nextBytes(random);
        prefix = HexFormat.of().formatHex(random) + "-";
        accessLog = front.hasAccessLog() ? new AccessLog(sink(front.accessLog())) : null;
    }

    private static AccessLog.Sink sink(String target) {
        return target.equals(FrontSettings.STANDARD_OUTPUT)
                ? LogFile.standardOutput()
                : new LogFile(Path.of(target));
    }

    ProxyCustomizer customizer() {
        return new ProxyCustomizer(proxies, front.proxyFields());
    }

    /** Begins a call. */
    void began(Call call) {
        figures.began();
        if (accessLog != null) { // so that a client can name the line
            call.sendId();
        }
    }

    /** Returns the id that a proxy has given to a call, or a new one. */
    String id(Call call) {
        String given = proxies.isEmpty() ? null : call.header(ID_FIELD);
        return given != null && ID.matcher(given).matches() && proxies.hasPeer(call.peer())
                ? given
                : prefix + Long.toHexString(ids.incrementAndGet());
    }

    @Override
    public void log(Request request, Response response) {
        Call call = Call.of(request);
        if (call == null) {
            refused(request, response);
        } else {
            call.completed();
            ended(call, response.getStatus(), Response.getContentBytesWritten(response),
                    response.isCompletedSuccessfully());
        }
    }

    /** Ends a call whose handler never returns, so that Jetty does not. */
    void abandoned(Call call) {
        ended(call, call.status(), 0, false);
    }

    private void ended(Call call, int status, long bytes, boolean isWhole) {
        if (!call.isToBeTold()) {
            return;
        }
        long now = System.nanoTime();
        long startedAt = call.startedAt();
        long queued = (startedAt == 0 ? now : startedAt) - call.begunAt();
        long all = now - call.begunAt();
        figures.ended(status, bytes, queued, all, isWhole);
        AccessLog log = accessLog;
        if (log != null) {
            log.add(new AccessLine(
                    Instant.now().minusNanos(all), call.remoteAddress().getHostString(), call.id(), call.method(),
                    call.target(), call.protocol(), status, bytes, call.header("Referer"), call.header("User-Agent"),
                    queued, all - queued, isWhole).bytes(front.accessFormat()));
        }
    }

    /** A request that Jetty has refused, as it is malformed or too large. */
    private void refused(Request request, Response response) {
        figures.malformed();
        AccessLog log = accessLog;
        if (log != null) {
            log.add(new AccessLine(
                    Instant.now(), Call.address(request.getConnectionMetaData().getRemoteSocketAddress())
                            .getHostString(),
                    "-", null, null, request.getConnectionMetaData().getProtocol(), response.getStatus(),
                    Response.getContentBytesWritten(response), null, request.getHeaders().get(HttpHeader.USER_AGENT),
                    0, 0, true).bytes(front.accessFormat()));
        }
    }

    TrafficFigures figures() {
        return figures;
    }

    /** How many lines of the access log were dropped. */
    long droppedLines() {
        AccessLog log = accessLog;
        return log == null ? 0 : log.dropped();
    }

    @Override
    public void close() {
        if (accessLog != null) {
            accessLog.close();
        }
    }
}
