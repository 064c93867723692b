package dev.sennit.images;

import dev.sennit.Backoff;
import dev.sennit.TimeSource;
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
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Fetches files from the web, whatever the servers do: each download ends, within its limits, with the file or with one line that
 * says why not.
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
 * <p>A download blocks the calling thread, which may be a thread, a virtual thread or a coroutine: run as many as you like on a pool.
 * Any number of threads may use one downloader. An interrupt ends a download at once, and its connection.
 *
 * <h2>Limits</h2>
 * <ul>
 *   <li><b>Time</b>: {@linkplain Builder#deadline all of it}, retries and waits between them included; {@linkplain
 *       Builder#connectTimeout the connection}; {@linkplain Builder#answerTimeout the headers}; and a server that sends less than
 *       {@linkplain Builder#minRate a rate} is left. Waiting for a {@linkplain Builder#perHost turn} does not count.
 *   <li><b>Size</b>: {@link Builder#maxBytes}, by what the server announces and by what arrives. Compressed transfer is not asked
 *       for, and refused: what is small on the way may be large behind it.
 *   <li><b>At once</b>: {@link Builder#downloads} in all, {@link Builder#perHost} of a host, first come, first served.
 * </ul>
 *
 * <h2>Retries</h2>
 *
 * <p>A connection that fails or breaks off, no answer in time, and the status codes 429, 502, 503 and 504 lead to another
 * attempt, after a wait that doubles and has jitter, or as long as {@code Retry-After} says. If the server gave a strong {@code ETag}
 * or a {@code Last-Modified} that is older than a minute, the next attempt asks for the rest only, and for all of it if the file has
 * changed ({@code If-Range}, RFC 9110). Every other failure is final at once. Nothing is kept from one download to the next.
 *
 * <h2>Addresses</h2>
 *
 * <p>Addresses that are not public - of this machine, of its network, of the carrier, of a cloud's metadata service - are refused
 * unless {@linkplain Builder#allowPrivate allowed}, at each redirect again. A name is refused if one of its addresses is special. As a
 * name may have other addresses a moment later (DNS rebinding), this is what holds:
 * <ul>
 *   <li><b>https</b>: a server that has no certificate for the name gets no request; what a name that changes in between can cause is
 *       a connection that ends with the handshake.
 *   <li><b>http</b>, in a JVM that runs with {@code -Djdk.httpclient.allowRestrictedHeaders=host}: the connection goes to the very
 *       address that was checked.
 *   <li><b>http</b> otherwise: the {@link HttpClient} looks the name up a second time, by way of the JVM's cache, which holds it for 30
 *       seconds. If the entry ends just in between, a request may go to an address that was not checked. The name is checked once
 *       more when the headers have come, which is within those 30 seconds: then nothing of the answer is kept. With the security
 *       property {@code networkaddress.cache.ttl} set to less than the {@link Builder#answerTimeout} not even that is sure.
 * </ul>
 * Proxies are not used, as nobody knows what they connect to.
 *
 * <p><b>Not promised:</b> that what arrived is what the server has, if it announces no length and the connection ends early: nobody can
 * tell. Cookies, passwords and compression are not supported.
 */
public final class Downloader implements AutoCloseable {
    /** The largest array that every JVM makes. */
    static final int MOST_IN_MEMORY = Integer.MAX_VALUE - 8;

    private static final Duration FIRST_WAIT = Duration.ofMillis(500);
    private static final Duration LONGEST_CLOSE = Duration.ofSeconds(10);

    /** Whether this JVM lets a request name its host, so that it can go to an address. */
    private static final boolean HOST_ALLOWED = isHostAllowed();

    private final Limits limits;
    private final int downloads;
    private final HttpClient client;
    private final ExecutorService lookUps;
    private final HostAddresses addresses;
    private final Permits permits;
    /** Folders that have been cleared of what killed processes left. */
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
     * A downloader with other limits than the default ones.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Fetches a file into memory.
     *
     * @param uri its address
     * @return the bytes, and how they came
     * @throws DownloadException if it cannot be had within the limits, or this is closed
     * @throws InterruptedException if the thread is interrupted before it is done
     */
    public Download<byte[]> toMemory(URI uri) throws DownloadException, InterruptedException {
        var memory = new Sink.Memory();
        var transfer = new Transfer(this, uri, memory, Math.min(limits.maxBytes(), MOST_IN_MEMORY));
        transfer.run();
        return transfer.result(memory.bytes());
    }

    /**
     * Fetches a file into a file. It is written as {@code .sennit-NUMBERS.part} in the same folder, and moved when it is
     * complete: whatever happens, the file is as before or as it should be. Of a process that is killed the {@code .part} stays, until
     * the next that downloads into this folder, or {@linkplain OutputFolder#open opens} it, removes it.
     *
     * @param uri its address
     * @param file where to put it; one that is there is replaced
     * @return the path, and how it came
     * @throws DownloadException if it cannot be had within the limits, or not written, or this is closed
     * @throws InterruptedException if the thread is interrupted before it is done; then nothing is left
     */
    public Download<Path> toFile(URI uri, Path file) throws DownloadException, InterruptedException {
        Path folder = PartFile.folderOf(file);
        if (cleared.add(folder)) {
            PartFile.removeDead(folder);
        }
        try (var part = new Sink.Part(folder)) {
            var transfer = new Transfer(this, uri, part, limits.maxBytes());
            transfer.run();
            part.moveTo(file);
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

    /** Ends the downloads that run, each with an exception, and the threads that served them. */
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
        return "Downloader[" + (closed ? "closed" : downloads - permits.free() + " of " + downloads + " running, "
                + permits.hosts() + " hosts") + "]";
    }

    /** The limits. */
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
         * How long a download may take from when its turn comes, with all attempts and the waits between them; the default is 2
         * minutes.
         *
         * @param limit more than zero
         * @return this
         */
        public Builder deadline(Duration limit) {
            deadline = positive("deadline", limit);
            return this;
        }

        /**
         * How long the connection, with the handshake of https, may take; the default is 10 s.
         *
         * @param limit more than zero
         * @return this
         */
        public Builder connectTimeout(Duration limit) {
            connectTimeout = positive("connectTimeout", limit);
            return this;
        }

        /**
         * How long a server may take to send the headers; the default is 20 s.
         *
         * @param limit more than zero
         * @return this
         */
        public Builder answerTimeout(Duration limit) {
            answerTimeout = positive("answerTimeout", limit);
            return this;
        }

        /**
         * How fast a server has to send; the default is 1024 bytes a second, over 10 s. Only the time counts in which nothing was there to
         * read.
         *
         * @param bytesPerSecond 0 for as slow as it likes
         * @param window over what time that is looked at, more than zero
         * @return this
         */
        public Builder minRate(long bytesPerSecond, Duration window) {
            minRate = atLeast("bytesPerSecond", bytesPerSecond, 0);
            rateWindow = positive("window", window);
            return this;
        }

        /**
         * How often a download is attempted; the default is 4.
         *
         * @param count 1 or more, the first attempt included
         * @return this
         */
        public Builder attempts(int count) {
            attempts = (int) atLeast("attempts", count, 1);
            return this;
        }

        /**
         * How long to wait before another attempt at most; the default is 30 s. A server that asks for more ({@code Retry-After}) is not
         * asked again.
         *
         * @param limit zero or more
         * @return this
         */
        public Builder longestWait(Duration limit) {
            if (limit.isNegative()) {
                throw new IllegalArgumentException("longestWait must be >= 0, was " + limit);
            }
            longestWait = limit;
            return this;
        }

        /**
         * How many redirects are followed one after another; the default is 5.
         *
         * @param count 0 or more
         * @return this
         */
        public Builder redirects(int count) {
            redirects = (int) atLeast("redirects", count, 0);
            return this;
        }

        /**
         * Whether a redirect may lead from https to http; by default it may not.
         *
         * @param allowed whether it may
         * @return this
         */
        public Builder allowDowngrade(boolean allowed) {
            allowDowngrade = allowed;
            return this;
        }

        /**
         * Whether addresses that are not public are allowed; by default they are not.
         *
         * @param allowed whether they are
         * @return this
         */
        public Builder allowPrivate(boolean allowed) {
            allowPrivate = allowed;
            return this;
        }

        /**
         * How large a file may be; the default is 100,000,000 bytes. In memory it is 2,147,483,639 at most.
         *
         * @param bytes 1 or more
         * @return this
         */
        public Builder maxBytes(long bytes) {
            maxBytes = atLeast("maxBytes", bytes, 1);
            return this;
        }

        /**
         * How many downloads run at once; the default is 16. The others wait for their turn.
         *
         * @param count 1 or more
         * @return this
         */
        public Builder downloads(int count) {
            downloads = (int) atLeast("downloads", count, 1);
            return this;
        }

        /**
         * How many of them from one host; the default is 4.
         *
         * @param count 1 or more
         * @return this
         */
        public Builder perHost(int count) {
            perHost = (int) atLeast("perHost", count, 1);
            return this;
        }

        /** For tests: where the time between attempts comes from. */
        Builder time(TimeSource newTime) {
            time = newTime;
            return this;
        }

        /** For tests: where names are looked up, and whether connections go to the addresses found there. */
        Builder names(HostAddresses.NameService newNames, boolean pinned) {
            names = newNames;
            pinning = pinned;
            return this;
        }

        /** For tests: whom to trust. */
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
            return limit;
        }

        private static long atLeast(String name, long value, long least) {
            if (value < least) {
                throw new IllegalArgumentException(name + " must be >= " + least + ", was " + value);
            }
            return value;
        }
    }
}
