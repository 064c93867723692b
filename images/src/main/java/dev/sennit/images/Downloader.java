package dev.sennit.images;

import dev.sennit.Backoff;
import dev.sennit.TimeSource;
import dev.sennit.images.internal.files.PartFile;
import dev.sennit.images.internal.web.HostAddresses;
import dev.sennit.images.internal.web.Limits;
import dev.sennit.images.internal.web.Permits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Downloads files from the web. However servers behave, each download ends within its limits: with the file, or with an
 * exception whose message is one line.
 *
 * {@snippet :
 * try (Downloader downloader = Downloader.builder().perHost(4).maxBytes(20_000_000).open()) {
 *     Download<byte[]> image = downloader.toMemory(java.net.URI.create("https://example.org/cat.jpg"));
 *     System.out.println(image.body().length + " bytes of " + image.contentType());
 * } catch (DownloadException e) {
 *     System.err.println(e.getMessage());
 * }
 * }
 *
 * <p>A download blocks the calling thread, which may be a thread, a virtual thread or a coroutine: run any number of
 * them on a pool. A downloader is thread-safe. An interrupt ends a download and its connection at once.
 *
 * <h2>Limits</h2>
 * <ul>
 *   <li><b>Time</b>: {@linkplain Builder#deadline all of it}, retries and waits between them included;
 *       {@linkplain Builder#connectTimeout the connection}; {@linkplain Builder#answerTimeout the headers}; and a
 *       download slower than {@linkplain Builder#minRate a rate} ends. Waiting for a {@linkplain Builder#perHost turn}
 *       does not count.
 *   <li><b>Size</b>: {@link Builder#maxBytes}, both for the announced length and for the bytes that arrive. Compressed
 *       transfer is not requested, and is refused: a small body may expand to a large one.
 *   <li><b>At once</b>: {@link Builder#downloads} in total and {@link Builder#perHost} from a host, first come, first
 *       served.
 * </ul>
 *
 * <h2>Retries</h2>
 *
 * <p>A connection that fails or breaks off, no answer in time, and the status codes 429, 502, 503 and 504 lead to
 * another attempt, after a wait that doubles and has jitter, or as long as {@code Retry-After} says. If the server gave
 * a strong {@code ETag} or a {@code Last-Modified} that is older than a minute, the next attempt asks only for the
 * rest, and for the whole file if it has changed ({@code If-Range}, RFC 9110). Every other failure is final. Downloads
 * share no state.
 *
 * <h2>Addresses</h2>
 *
 * <p>Addresses that are not public - of this machine, of its network, of the carrier, of a cloud's metadata service -
 * are refused unless {@linkplain Builder#allowPrivate allowed}, also after a redirect. A name is refused if one of its
 * addresses is special. As a name may have other addresses a moment later (DNS rebinding), these are the guarantees:
 * <ul>
 *   <li><b>https</b>: a server without a certificate for the name gets no request; a name that changes in between can
 *       at most cause a connection that ends with the handshake.
 *   <li><b>http</b>, in a JVM that runs with {@code -Djdk.httpclient.allowRestrictedHeaders=host}: the connection goes
 *       to the very address that was checked.
 *   <li><b>http</b> otherwise: the {@link HttpClient} looks the name up a second time, in the JVM's cache, which keeps
 *       it for 30 seconds. If the entry expires in between, a request may go to an address that was not checked. The
 *       name is checked once more after the headers: within those 30 seconds, an answer from a refused address is
 *       dropped. If {@link Builder#answerTimeout} is longer than the security property
 *       {@code networkaddress.cache.ttl}, even that is not certain.
 * </ul> Proxies are not used, as their connections cannot be checked.
 *
 * <p><b>Not promised:</b> that the file is complete if the server announces no length and the connection ends early,
 * which cannot be detected. Cookies, passwords and compression are not supported.
 */
public final class Downloader implements AutoCloseable {
    /** The largest array that every JVM can allocate. */
    static final int MOST_IN_MEMORY = Integer.MAX_VALUE - 8;

    private static final Duration FIRST_WAIT = Duration.ofMillis(500);
    private static final Duration LONGEST_CLOSE = Duration.ofSeconds(10);

    /** Whether this JVM allows a Host header, so that a request can go to an address. */
    private static final boolean HOST_ALLOWED = isHostAllowed();

    private final Limits limits;
    private final int downloads;
    private final HttpClient client;
    private final ExecutorService lookUps;
    private final HostAddresses addresses;
    private final Permits permits;
    /** Folders that were cleared of the leftovers of killed processes. */
    private final Set<Path> cleared = ConcurrentHashMap.newKeySet();

    private volatile boolean closed;

    private Downloader(Builder settings) {
        this.limits = settings.limits();
        this.downloads = settings.downloads;
        HttpClient.Builder newClient = HttpClient.newBuilder()
                .connectTimeout(settings.connectTimeout)
                .followRedirects(HttpClient.Redirect.NEVER)
                .proxy(HttpClient.Builder.NO_PROXY);
        if (settings.tls != null) {
            newClient.sslContext(settings.tls);
        }
        this.client = newClient.build();
        this.lookUps = Executors.newCachedThreadPool(
                Thread.ofPlatform().daemon().name("sennit-download-names-", 1).factory());
        this.addresses = new HostAddresses(settings.names, settings.allowPrivate, lookUps);
        this.permits = new Permits(settings.downloads, settings.perHost);
    }

    private static boolean isHostAllowed() {
        try {
            HttpRequest.newBuilder().header("Host", "example.org");
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /**
     * Returns a builder with the default limits.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Downloads into memory.
     *
     * @param uri its address
     * @return the bytes, and the figures of the download
     * @throws DownloadException if the download fails or exceeds a limit, or if this is closed
     * @throws InterruptedException if the thread is interrupted before the end
     */
    public Download<byte[]> toMemory(URI uri) throws DownloadException, InterruptedException {
        var memory = new Sink.Memory();
        var transfer = new Transfer(this, uri, memory, Math.min(limits.maxBytes(), MOST_IN_MEMORY));
        transfer.run();
        return transfer.result(memory.bytes());
    }

    /**
     * Downloads into a file. The bytes are written to {@code .sennit-NUMBERS.part} in the same folder, which is renamed
     * when it is complete: so the file is always either the old or the new one. The {@code .part} of a killed process
     * stays until the next process downloads into this folder, or {@linkplain OutputFolder#open opens} it.
     *
     * @param uri its address
     * @param file the file to write; an existing one is replaced
     * @return the path, and the figures of the download
     * @throws DownloadException if the download fails or exceeds a limit, if the file cannot be written, or if this is
     *     closed
     * @throws InterruptedException if the thread is interrupted before the end; then nothing is left behind
     */
    public Download<Path> toFile(URI uri, Path file) throws DownloadException, InterruptedException {
        Path folder = Objects.requireNonNull(file.toAbsolutePath().getParent(), "the root is no file");
        if (cleared.add(folder)) {
            PartFile.removeDead(folder);
        }
        try (var part = new Sink.Part(file)) {
            var transfer = new Transfer(this, uri, part, limits.maxBytes());
            transfer.run();
            part.move();
            return transfer.result(file);
        } catch (DownloadException e) {
            throw e;
        } catch (IOException e) {
            throw DownloadException.lasting(uri, String.valueOf(e.getMessage()), e);
        }
    }

    Limits limits() {
        return limits;
    }

    HttpClient client() {
        return client;
    }

    HostAddresses addresses() {
        return addresses;
    }

    Permits permits() {
        return permits;
    }

    boolean isClosed() {
        return closed;
    }

    /**
     * Ends the running downloads, each with an exception, and their threads. A download that waits between two attempts
     * ends after that wait, or with an interrupt.
     */
    @Override
    public void close() {
        closed = true;
        lookUps.shutdownNow();
        client.shutdownNow();
        boolean interrupted = false;
        try {
            client.awaitTermination(LONGEST_CLOSE);
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return "Downloader[" + (closed
                ? "closed"
                : downloads - permits.free() + " of " + downloads + " running, "
                        + permits.hosts() + " hosts")
                + "]";
    }

    /** The limits of a {@link Downloader}. */
    public static final class Builder {
        private Duration deadline = Duration.ofMinutes(2);
        private Duration connectTimeout = Duration.ofSeconds(10);
        private Duration answerTimeout = Duration.ofSeconds(20);
        private long minRate = 1024;
        private Duration rateWindow = Duration.ofSeconds(10);
        private int attempts = 4;
        private Duration longestWait = Duration.ofSeconds(30);
        private int redirects = 5;
        private boolean allowDowngrade;
        private boolean allowPrivate;
        private long maxBytes = 100_000_000;
        private int downloads = 16;
        private int perHost = 4;
        private TimeSource time = TimeSource.system();
        private HostAddresses.NameService names = InetAddress::getAllByName;
        private boolean pinning = HOST_ALLOWED;
        private @Nullable SSLContext tls;

        private Builder() {}

        /**
         * Sets how long a download may take from its turn on, with all attempts and the waits between them; the default
         * is 2 minutes.
         *
         * @param limit more than zero
         * @return this
         */
        public Builder deadline(Duration limit) {
            deadline = positive("deadline", limit);
            return this;
        }

        /**
         * Sets how long connecting may take, with the handshake of https; the default is 10 s.
         *
         * @param limit more than zero
         * @return this
         */
        public Builder connectTimeout(Duration limit) {
            connectTimeout = positive("connectTimeout", limit);
            return this;
        }

        /**
         * Sets how long a server may take to send the headers; the default is 20 s.
         *
         * @param limit more than zero
         * @return this
         */
        public Builder answerTimeout(Duration limit) {
            answerTimeout = positive("answerTimeout", limit);
            return this;
        }

        /**
         * Sets how fast a server must send; the default is 1024 bytes a second, over 10 s. Only time in which no byte
         * was there to read counts.
         *
         * @param bytesPerSecond the rate; 0 for no limit
         * @param window the time over which the rate is measured, more than zero
         * @return this
         */
        public Builder minRate(long bytesPerSecond, Duration window) {
            minRate = atLeast("bytesPerSecond", bytesPerSecond, 0);
            rateWindow = positive("window", window);
            return this;
        }

        /**
         * Sets the number of attempts; the default is 4.
         *
         * @param count 1 or more, the first attempt included
         * @return this
         */
        public Builder attempts(int count) {
            attempts = (int) atLeast("attempts", count, 1);
            return this;
        }

        /**
         * Sets the longest wait before another attempt; the default is 30 s. If a server asks for a longer one
         * ({@code Retry-After}), there is no further attempt.
         *
         * @param limit zero or more
         * @return this
         */
        public Builder longestWait(Duration limit) {
            if (limit.isNegative()) {
                throw new IllegalArgumentException("longestWait must be >= 0, was " + limit);
            }
            longestWait = inNanos(limit);
            return this;
        }

        /**
         * Sets how many redirects in a row are followed; the default is 5.
         *
         * @param count 0 or more
         * @return this
         */
        public Builder redirects(int count) {
            redirects = (int) atLeast("redirects", count, 0);
            return this;
        }

        /**
         * Sets whether a redirect may lead from https to http; by default it may not.
         *
         * @param allowed whether it may
         * @return this
         */
        public Builder allowDowngrade(boolean allowed) {
            allowDowngrade = allowed;
            return this;
        }

        /**
         * Sets whether addresses that are not public are allowed; by default they are not.
         *
         * @param allowed whether they are
         * @return this
         */
        public Builder allowPrivate(boolean allowed) {
            allowPrivate = allowed;
            return this;
        }

        /**
         * Sets how large a file may be; the default is 100,000,000 bytes. In memory the limit is at most 2,147,483,639.
         *
         * @param bytes 1 or more
         * @return this
         */
        public Builder maxBytes(long bytes) {
            maxBytes = atLeast("maxBytes", bytes, 1);
            return this;
        }

        /**
         * Sets how many downloads run at once; the default is 16. The others wait for their turn.
         *
         * @param count 1 or more
         * @return this
         */
        public Builder downloads(int count) {
            downloads = (int) atLeast("downloads", count, 1);
            return this;
        }

        /**
         * Sets how many downloads run at once from one host; the default is 4.
         *
         * @param count 1 or more
         * @return this
         */
        public Builder perHost(int count) {
            perHost = (int) atLeast("perHost", count, 1);
            return this;
        }

        /** Sets the time source of the waits between attempts. For tests. */
        Builder time(TimeSource newTime) {
            time = newTime;
            return this;
        }

        /** Sets where names are looked up, and whether connections go to the addresses found there. For tests. */
        Builder names(HostAddresses.NameService newNames, boolean pinned) {
            names = newNames;
            pinning = pinned;
            return this;
        }

        /** Sets the TLS context. For tests. */
        Builder tls(SSLContext context) {
            tls = context;
            return this;
        }

        /**
         * Opens the downloader.
         *
         * @return a downloader, to be closed
         */
        public Downloader open() {
            return new Downloader(this);
        }

        private Limits limits() {
            return new Limits(
                    deadline,
                    answerTimeout,
                    minRate,
                    rateWindow,
                    attempts,
                    longestWait,
                    redirects,
                    allowDowngrade,
                    allowPrivate,
                    maxBytes,
                    Backoff.exponential(FIRST_WAIT).atMost(longestWait).fullJitter(),
                    time,
                    pinning);
        }

        private static Duration positive(String name, Duration limit) {
            if (!Objects.requireNonNull(limit, name).isPositive()) {
                throw new IllegalArgumentException(name + " must be > 0, was " + limit);
            }
            return inNanos(limit);
        }

        /** Returns the limit, cut to 292 years, the most that nanoseconds can express. */
        private static Duration inNanos(Duration limit) {
            return Duration.ofNanos(TimeUnit.NANOSECONDS.convert(limit));
        }

        private static long atLeast(String name, long value, long least) {
            if (value < least) {
                throw new IllegalArgumentException(name + " must be >= " + least + ", was " + value);
            }
            return value;
        }
    }
}
