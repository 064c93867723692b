package dev.sennit.server;

import dev.sennit.server.traffic.LeastRate;
import dev.sennit.server.traffic.StallException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.BooleanSupplier;

/** The body of a request, which ends with an error where it gets too long. */
final class RequestBody extends FilterInputStream {
    /** The body is longer than it may be. */
    static final class TooLargeException extends IOException {
        private static final long serialVersionUID = 1L;

        TooLargeException(long most) {
            super("the body of the request has more than " + most + " bytes");
        }
    }

    private final long most;
    private final BooleanSupplier isCut;
    private final LeastRate rate;
    private long left;

    RequestBody(InputStream in, long most, LeastRate rate, BooleanSupplier isCut) {
        super(in);
        this.rate = rate;
        this.most = most;
        this.isCut = isCut;
        left = most;
    }

    @Override
    public int read() throws IOException {
        ensureNotCut();
        long asked = System.nanoTime();
        int next;
        try {
            next = in.read();
        } catch (IOException e) {
            throw StallException.of(e);
        }
        if (next >= 0) {
            took(1);
            rate.came(1, System.nanoTime() - asked);
        }
        return next;
    }

    @Override
    public int read(byte[] bytes, int from, int length) throws IOException {
        ensureNotCut();
        long asked = System.nanoTime();
        int n;
        try {
            n = in.read(bytes, from, length);
        } catch (IOException e) {
            throw StallException.of(e);
        }
        if (n > 0) {
            took(n);
            rate.came(n, System.nanoTime() - asked);
        }
        return n;
    }

    @Override
    public long skip(long n) throws IOException {
        byte[] passed = new byte[Math.clamp(n, 0, 8192)];
        long done = 0;
        while (done < n) {
            int got = read(passed, 0, (int) Math.min(passed.length, n - done));
            if (got <= 0) {
                break;
            }
            done += got;
        }
        return done;
    }

    @Override
    public boolean markSupported() {
        return false;
    }

    private void ensureNotCut() throws IOException {
        if (isCut.getAsBoolean()) {
            throw WebResponse.cut();
        }
    }

    private void took(int n) throws IOException {
        left -= n;
        if (left < 0) {
            throw new TooLargeException(most);
        }
    }
}
