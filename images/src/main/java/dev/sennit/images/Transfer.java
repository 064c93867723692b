package dev.sennit.images;

import dev.sennit.Attempt;
import dev.sennit.Retry;
import dev.sennit.Stop;
import dev.sennit.images.internal.text.Printable;
import dev.sennit.images.internal.web.HostAddresses;
import dev.sennit.images.internal.web.Limits;
import dev.sennit.images.internal.web.Permits;
import dev.sennit.images.internal.web.ResponseBody;
import dev.sennit.images.internal.web.WebUri;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/**
 * A download, from its address to the last byte. For one thread.
 *
 * <h2>Attempts</h2>
 *
 * <p>{@link #run} makes attempts until one is complete. An attempt goes from hop to hop: each address is checked, waits
 * for its turn, is requested, and leads to the next hop or to the body. With a {@link #validator} the next attempt uses
 * the bytes in the {@link Sink}: it asks for the rest, and a server whose file has changed answers with the whole new
 * file. Without one, the next attempt begins anew.
 *
 * <h2>Time</h2>
 *
 * <p>{@link #spent} is the time of the attempts from their turns on, and of the waits between them. Each wait for the
 * network ends at the deadline: for an answer by the client's own timer, for a piece of the body by its queue.
 *
 * <h2>Failures</h2>
 *
 * <p>All failures are {@link DownloadException}s, passing or lasting, created where that is known; the number of
 * attempts is added at the end.
 */
final class Transfer {
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");
    /**
     * The age from which a date identifies a file: it may have been changed twice within the same second, or by a clock
     * that is off.
     */
    private static final Duration OLD_ENOUGH = Duration.ofMinutes(1);
    /** The part of a server's wait that is added as jitter, so that clients do not all come back at once. */
    private static final int JITTER_PART = 10;

    private final Downloader downloader;
    private final Limits limits;
    private final URI given;
    private final Sink sink;
    private final long maxBytes;

    /** The requested address in strict form. Written once, by {@link #run}. */
    private URI start;
    /** The hop that was requested last. */
    private URI last;
    private @Nullable String contentType;
    /** The tag or date of the file whose beginning is in the sink; null if the server gave none. */
    private @Nullable String validator;

    private long spent;
    private long bytesIn;
    private int attempts;

    Transfer(Downloader downloader, URI given, Sink sink, long maxBytes) {
        this.downloader = downloader;
        this.limits = downloader.limits();
        this.given = given;
        this.start = given;
        this.last = given;
        this.sink = sink;
        this.maxBytes = maxBytes;
    }

    void run() throws DownloadException, InterruptedException {
        try {
            start = WebUri.parse(given.toString());
            last = start;
        } catch (IllegalArgumentException e) {
            throw lasting(String.valueOf(e.getMessage()), null);
        }
        Stop tooLate = (attempt, elapsed, wait) -> wait.compareTo(Duration.ofNanos(left())) >= 0;
        Retry retry = Retry.until(Stop.afterAttempts(limits.attempts()).or(tooLate))
                .waiting(this::waitAfter)
                .when(attempt -> attempt.failure() instanceof DownloadException e && e.isPassing())
                .beforeWait((attempt, wait) -> spent += wait.toNanos())
                .time(limits.time())
                .rethrowing();
        try {
            retry.<Exception>run(this::attempt);
        } catch (DownloadException e) {
            if (e.isPassing() && attempts > 1) {
                throw e.after(attempts);
            }
            throw e;
        } catch (InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError("an attempt throws nothing else", e);
        }
    }

    private Duration waitAfter(Attempt failed, RandomGenerator random) {
        if (failed.failure() instanceof DownloadException e && e.retryAfter() != null) {
            Duration asked = Objects.requireNonNull(e.retryAfter());
            return asked.plusNanos(random.nextLong(asked.toNanos() / JITTER_PART + 1));
        }
        return limits.backoff().waitAfter(failed, random);
    }

    <T> Download<T> result(T body) {
        return new Download<>(body, last, contentType, bytesIn, attempts, Duration.ofNanos(spent));
    }

    private long left() {
        return limits.deadline().toNanos() - spent;
    }

    private void attempt() throws DownloadException, InterruptedException {
        attempts++;
        URI uri = start;
        for (int hops = 0;; hops++) {
            last = uri;
            URI next;
            Permits.Turn turn = downloader.permits().acquire(uri.getHost());
            long began = System.nanoTime();
            try {
                next = fetch(uri, began + left());
            } finally {
                spent += System.nanoTime() - began;
                turn.end();
            }
            if (next == null) {
                return;
            }
            if (hops == limits.redirects()) {
                throw lasting("more than " + limits.redirects() + " redirects; give the address where they end", null);
            }
            uri = next;
        }
    }

    // ---- one hop ----

    /** Requests an address and takes the body; returns the address of a redirect, or null when the body is complete. */
    private @Nullable URI fetch(URI uri, long deadline) throws DownloadException, InterruptedException {
        boolean named = HostAddresses.literal(uri.getHost()) == null;
        boolean pinned = named && limits.pinning() && uri.getScheme().equals("http");
        InetAddress address = checked(uri, deadline);
        HttpRequest request = request(uri, pinned ? address : null, deadline);
        try (var body = new ResponseBody()) {
            HttpResponse<ResponseBody> response = send(request, body, deadline);
            if (named && !pinned && !limits.allowPrivate()) {
                checked(uri, deadline); // the JVM's cache has the address of the connection
            }
            return take(uri, response, deadline);
        }
    }

    private InetAddress checked(URI uri, long deadline) throws DownloadException, InterruptedException {
        String host = uri.getHost();
        ensureOpen(null);
        try {
            return downloader.addresses().check(host, deadline - System.nanoTime());
        } catch (HostAddresses.NotAllowedException e) {
            throw lasting(
                    (HostAddresses.literal(host) == null ? "host " + host + " has address " : "") + e.getMessage()
                            + "; allow private addresses if that is meant",
                    e);
        } catch (UnknownHostException e) {
            throw lasting("there is no host " + host + "; correct the address, or the network", e);
        } catch (TimeoutException e) {
            throw tooLong(e);
        } catch (RejectedExecutionException e) {
            ensureOpen(e);
            throw e;
        }
    }

    private HttpRequest request(URI uri, @Nullable InetAddress address, long deadline) throws DownloadException {
        long wait = Math.min(limits.answerTimeout().toNanos(), deadline - System.nanoTime());
        if (wait <= 0) {
            throw tooLong(null);
        }
        boolean secure = uri.getScheme().equals("https");
        HttpRequest.Builder request = HttpRequest.newBuilder(address == null ? uri : at(address, uri))
                .version(secure ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1)
                .timeout(Duration.ofNanos(wait))
                .header("Accept", "image/*, */*;q=0.5")
                .header("Accept-Encoding", "identity")
                .header("User-Agent", "sennit");
        if (address != null) {
            request.header("Host", uri.getRawAuthority());
        }
        if (sink.size() > 0 && validator != null) {
            request.header("Range", "bytes=" + sink.size() + "-").header("If-Range", validator);
        }
        return request.build();
    }

    /** Returns the URI with an address instead of the host's name. */
    private static URI at(InetAddress address, URI uri) {
        String literal = address.getHostAddress();
        int scope = literal.indexOf('%');
        if (literal.indexOf(':') >= 0) {
            literal = "[" + (scope < 0 ? literal : literal.substring(0, scope)) + "]";
        }
        String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
        String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        return URI.create(uri.getScheme() + "://" + literal + port + uri.getRawPath() + query);
    }

    private HttpResponse<ResponseBody> send(HttpRequest request, ResponseBody body, long deadline)
            throws DownloadException, InterruptedException {
        try {
            return downloader.client().send(request, head -> body);
        } catch (HttpConnectTimeoutException e) {
            throw passing("no connection in time; try again later", e);
        } catch (HttpTimeoutException e) {
            if (deadline - System.nanoTime() <= 0) {
                throw tooLong(e);
            }
            throw passing("no answer in " + Printable.text(limits.answerTimeout()) + "; try again later", e);
        } catch (SSLHandshakeException | SSLPeerUnverifiedException e) {
            throw lasting("no secure connection: " + Printable.reason(e) + "; correct the address, or the certificates",
                    e);
        } catch (ProtocolException e) {
            throw lasting("an answer that is not HTTP: " + Printable.reason(e) + "; correct the address", e);
        } catch (RuntimeException e) { // of the client's checks, for instance for a length that is no number
            String what = Printable.text(String.valueOf(e.getMessage()));
            throw lasting("an answer that is not HTTP: " + what + "; correct the address", e);
        } catch (ConnectException e) {
            ensureOpen(e);
            String why = e.getMessage() == null ? "refused or out of reach" : Printable.reason(e);
            throw passing("no connection: " + why + "; see whether the server runs", e);
        } catch (IOException e) {
            ensureOpen(e);
            throw passing("the connection broke off: " + Printable.reason(e) + "; try again later", e);
        }
    }

    private void ensureOpen(@Nullable Exception cause) throws DownloadException {
        if (downloader.isClosed()) {
            throw lasting("the downloader is closed; open another", cause);
        }
    }

    // ---- the answer ----

    private @Nullable URI take(URI uri, HttpResponse<ResponseBody> response, long deadline)
            throws DownloadException, InterruptedException {
        HttpHeaders headers = response.headers();
        switch (response.statusCode()) {
            case 200 -> restart();
            case 206 -> ensureRest(headers);
            case 301, 302, 303, 307, 308 -> {
                return redirect(uri, headers);
            }
            case 416 -> {
                restart();
                throw passing("answered 416: it has no such part any more; try again", null);
            }
            case 429, 502, 503, 504 -> throw later(response.statusCode(), headers);
            default -> throw lasting("answered " + status(response.statusCode()), null);
        }
        ensureAcceptable(headers);
        contentType = headers.firstValue("Content-Type").map(Printable::text).orElse(null);
        validator = validator(headers);
        copy(response.body(), deadline);
        long whole = wholeLength(headers);
        if (whole >= 0 && sink.size() != whole) {
            long arrived = sink.size();
            restart();
            throw passing(arrived + " bytes arrived of " + whole + "; try again", null);
        }
        return null;
    }

    private URI redirect(URI uri, HttpHeaders headers) throws DownloadException {
        String location = headers.firstValue("Location").orElse("");
        if (location.isBlank()) {
            throw lasting("redirects to nowhere; give the address of the file", null);
        }
        URI next;
        try {
            next = WebUri.redirect(uri, location);
        } catch (IllegalArgumentException e) {
            throw lasting("redirects to " + Printable.text(location) + ": " + e.getMessage(), e);
        }
        if (uri.getScheme().equals("https") && next.getScheme().equals("http") && !limits.allowDowngrade()) {
            throw lasting("redirects from https to " + WebUri.text(next) + "; allow that, or give an https address",
                    null);
        }
        return next;
    }

    private DownloadException later(int code, HttpHeaders headers) {
        Duration asked = headers.firstValue("Retry-After").map(this::retryAfter).orElse(null);
        if (asked != null && asked.compareTo(limits.longestWait()) > 0) {
            return lasting(
                    "answered " + code + " and wants to be left alone for " + Printable.text(asked)
                            + "; try again then",
                    null);
        }
        return DownloadException.passing(given, via() + "answered " + status(code), asked, null);
    }

    /** Returns the wait, given in seconds or as a date; null if the value is neither. */
    private @Nullable Duration retryAfter(String value) {
        String text = value.strip();
        if (text.matches("\\d{1,9}")) {
            return Duration.ofSeconds(Long.parseLong(text));
        }
        Instant date = date(text);
        if (date == null) {
            return null;
        }
        Duration wait = Duration.between(limits.time().now(), date);
        return wait.isNegative() ? Duration.ZERO : wait;
    }

    private static @Nullable Instant date(String text) {
        try {
            return ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        } catch (DateTimeException e) {
            return null;
        }
    }

    /** Ensures that a part continues where the sink ends, and is of the same file. */
    private void ensureRest(HttpHeaders headers) throws DownloadException, InterruptedException {
        Matcher range = range(headers);
        String known = validator;
        boolean fits = sink.size() > 0
                && known != null
                && range.matches()
                && range.group(1).equals(Long.toString(sink.size()))
                && headers.firstValue("ETag").filter(tag -> known.startsWith("\"") && !tag.equals(known)).isEmpty();
        if (!fits) {
            boolean asked = sink.size() > 0;
            restart();
            String what = "answered 206 with a part that was not asked for; try again later";
            throw asked ? passing(what, null) : lasting(what, null);
        }
    }

    private static Matcher range(HttpHeaders headers) {
        return CONTENT_RANGE.matcher(headers.firstValue("Content-Range").orElse("").strip());
    }

    private void ensureAcceptable(HttpHeaders headers) throws DownloadException {
        String coding = headers.firstValue("Content-Encoding").orElse("identity").strip();
        if (!coding.equalsIgnoreCase("identity") && !coding.isEmpty()) {
            throw lasting(
                    "sends it compressed (" + Printable.text(coding)
                            + "), which was not asked for; fetch it by other means",
                    null);
        }
        long whole = wholeLength(headers);
        long announced = whole >= 0 ? whole : sink.size() + contentLength(headers);
        if (announced > maxBytes) {
            throw tooLarge(announced + " bytes");
        }
    }

    /** Returns the length of the whole file that a part belongs to; -1 if unknown, or if this is no part. */
    private static long wholeLength(HttpHeaders headers) {
        Matcher range = range(headers);
        return range.matches() && !range.group(3).equals("*") ? Long.parseLong(range.group(3)) : -1;
    }

    private static long contentLength(HttpHeaders headers) {
        String text = headers.firstValue("Content-Length").orElse("").strip();
        return text.matches("\\d{1,18}") ? Long.parseLong(text) : 0;
    }

    /** Returns a tag or date by which a server recognizes the very same bytes (RFC 9110, 8.8.2.2 and 13.1.5). */
    private static @Nullable String validator(HttpHeaders headers) {
        String tag = headers.firstValue("ETag").orElse("");
        if (tag.startsWith("\"")) {
            return tag;
        }
        String modified = headers.firstValue("Last-Modified").orElse("");
        Instant changed = date(modified);
        Instant answered = date(headers.firstValue("Date").orElse(""));
        boolean strong = changed != null && answered != null && !changed.plus(OLD_ENOUGH).isAfter(answered);
        return tag.isEmpty() && strong ? modified : null;
    }

    // ---- the body ----

    private void copy(ResponseBody body, long deadline) throws DownloadException, InterruptedException {
        long window = limits.rateWindow().toNanos();
        long least = (long) (limits.minRate() * (window / 1e9));
        long waited = 0;
        long came = 0;
        while (!body.hasEnded()) {
            long began = System.nanoTime();
            if (deadline - began <= 0) {
                throw tooLong(null);
            }
            List<ByteBuffer> piece = next(body, Math.min(deadline - began, window - waited));
            waited += System.nanoTime() - began;
            if (piece != null) {
                came += write(piece);
            }
            if (waited >= window && !body.hasEnded()) {
                if (came < least) {
                    throw lasting(
                            "sends less than " + limits.minRate()
                                    + " bytes a second; try again later, or allow a lower rate",
                            null);
                }
                waited = 0;
                came = 0;
            }
        }
    }

    private @Nullable List<ByteBuffer> next(ResponseBody body, long nanos)
            throws DownloadException, InterruptedException {
        try {
            return body.next(nanos);
        } catch (IOException e) {
            ensureOpen(e);
            throw passing(
                    "the connection broke off after " + sink.size() + " bytes: " + Printable.reason(e)
                            + "; try again later",
                    e);
        }
    }

    private long write(List<ByteBuffer> piece) throws DownloadException, InterruptedException {
        long count = 0;
        for (ByteBuffer bytes : piece) {
            count += bytes.remaining();
        }
        bytesIn += count;
        if (sink.size() + count > maxBytes) {
            throw tooLarge("more");
        }
        try {
            for (ByteBuffer bytes : piece) {
                sink.write(bytes);
            }
        } catch (IOException e) {
            throw lasting(String.valueOf(e.getMessage()), e);
        }
        return count;
    }

    private void restart() throws DownloadException, InterruptedException {
        validator = null;
        try {
            sink.restart();
        } catch (IOException e) {
            throw lasting(String.valueOf(e.getMessage()), e);
        }
    }

    // ---- failures ----

    private DownloadException passing(String what, @Nullable Throwable cause) {
        return DownloadException.passing(given, via() + what, null, cause);
    }

    private DownloadException lasting(String what, @Nullable Throwable cause) {
        return DownloadException.lasting(given, via() + what, cause);
    }

    private DownloadException tooLong(@Nullable Throwable cause) {
        return lasting(
                "not done after " + Printable.text(limits.deadline()) + ", " + sink.size() + " bytes have arrived"
                        + "; try again later, or allow more time",
                cause);
    }

    private DownloadException tooLarge(String size) {
        return lasting("it has " + size + (size.equals("more") ? " than " : ", more than ") + maxBytes
                + " bytes; allow more if that is meant", null);
    }

    private String via() {
        return last.equals(start) ? "" : "redirected to " + WebUri.text(last) + ": ";
    }

    private static String status(int code) {
        return code + switch (code) {
            case 401, 403, 407 -> " (not allowed); it is not for everybody";
            case 404, 410 -> " (not found); correct the address";
            case 429 -> " (too many requests); ask for less at once, or try again later";
            default -> code >= 500 ? " (the server failed); try again later" : "; correct the address";
        };
    }
}
