package dev.sennit.images.internal.web;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Looks up the addresses of a host, and checks whether connections to them are allowed.
 *
 * <p>The system's look-up cannot be interrupted and would block the carrier of coroutines, so other threads do it.
 */
public final class HostAddresses {
    /** Looks up names: {@link InetAddress#getAllByName}, or a test's own. */
    @FunctionalInterface
    public interface NameService {
        InetAddress[] addresses(String host) throws UnknownHostException;
    }

    private final NameService names;
    private final boolean allowPrivate;
    private final ExecutorService threads;

    public HostAddresses(NameService names, boolean allowPrivate, ExecutorService threads) {
        this.names = names;
        this.allowPrivate = allowPrivate;
        this.threads = threads;
    }

    /**
     * Returns the first address of a host, if connections to all its addresses are allowed.
     *
     * @param host a name, or an address in its usual form
     * @param nanos how long to wait at most
     * @throws NotAllowedException if one of the addresses is special
     * @throws TimeoutException if the look-up takes longer
     */
    public InetAddress check(String host, long nanos)
            throws UnknownHostException, NotAllowedException, TimeoutException, InterruptedException {
        InetAddress literal = literal(host);
        InetAddress[] all = literal != null ? new InetAddress[] {literal} : lookUp(host, nanos);
        if (all.length == 0) {
            throw new UnknownHostException(host);
        }
        for (InetAddress address : all) {
            String purpose = allowPrivate ? null : SpecialAddresses.purpose(address);
            if (purpose != null) {
                throw new NotAllowedException(address.getHostAddress() + " is not a public address (" + purpose + ")");
            }
        }
        return all[0];
    }

    public static @Nullable InetAddress literal(String host) {
        try {
            return InetAddress.ofLiteral(host);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private InetAddress[] lookUp(String host, long nanos)
            throws UnknownHostException, TimeoutException, InterruptedException {
        Future<InetAddress[]> answer = threads.submit(() -> names.addresses(host));
        try {
            return answer.get(nanos, TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof UnknownHostException unknown) {
                throw unknown;
            }
            var unknown = new UnknownHostException(host);
            unknown.initCause(e.getCause());
            throw unknown;
        } finally {
            answer.cancel(true);
        }
    }

    /** Thrown for an address that is not allowed. */
    public static final class NotAllowedException extends Exception {
        private static final long serialVersionUID = 1L;

        NotAllowedException(String what) {
            super(what);
        }
    }
}
