package dev.sennit.loop;

import dev.sennit.internal.Deadline;
import dev.sennit.internal.Durations;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A UDP socket for coroutines: sends and receives datagrams.
 *
 * {@snippet :
 * import dev.sennit.loop.DatagramEndpoint;
 *
 * try (DatagramEndpoint server = DatagramEndpoint.open(7)) {
 *     while (true) {
 *         DatagramEndpoint.Datagram question = server.receive();
 *         server.send(question.bytes(), question.sender());
 *     }
 * }
 * }
 *
 * <p>An endpoint belongs to the loop whose coroutine opened it. Only coroutines of that loop may use it; any thread may
 * close it. One coroutine receives at a time; several may send.
 *
 * <h2>What UDP promises</h2>
 *
 * <p>Nothing: a datagram arrives as it was sent, or not at all, or twice, and in any order. Datagrams that are not
 * received yet wait in a buffer of the operating system, which drops them when it is full. {@link #setOption} sets its
 * size.
 *
 * <h2>What ends a wait</h2>
 *
 * <p>Cancelling the coroutine, a time-out that was set, {@link #close} and the end of the loop, as for a
 * {@link ByteStream}. All but the last two leave the endpoint open.
 */
public final class DatagramEndpoint implements AutoCloseable {
    private final EventLoop loop;
    private final LoopSelector selector;
    private final DatagramChannel channel;
    private final LoopSelector.Watch watch;
    private final String name;
    private final InetSocketAddress localAddress;
    private final @Nullable InetSocketAddress remoteAddress;

    private final FairLock sending = new FairLock();

    // Only coroutines of the loop, in a turn:
    private @Nullable Duration receiveTimeout;
    private @Nullable Duration sendTimeout;
    private @Nullable Thread receiver;
    /** Whether datagrams may be there already, so that a receive is tried before waiting. */
    private boolean mayHaveMore;

    /**
     * A received datagram.
     *
     * @param sender its source address, which anybody can forge
     * @param bytes its content; may be empty
     */
    public record Datagram(InetSocketAddress sender, byte[] bytes) {}

    private DatagramEndpoint(
            LoopSelector selector,
            DatagramChannel channel,
            LoopSelector.Watch watch,
            String name,
            InetSocketAddress localAddress,
            @Nullable InetSocketAddress remoteAddress) {
        this.loop = selector.loop();
        this.selector = selector;
        this.channel = channel;
        this.watch = watch;
        this.name = name;
        this.localAddress = localAddress;
        this.remoteAddress = remoteAddress;
    }

    // ---- opening ----

    /**
     * Opens an endpoint at a port of the loopback address, so that only this machine can send to it.
     *
     * @param port a port; 0 for any free port
     * @return an open endpoint
     * @throws java.net.BindException if the port is taken
     * @throws IOException for instance if too many files are open
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static DatagramEndpoint open(int port) throws IOException {
        return open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    }

    /**
     * Opens an endpoint that receives datagrams from any address.
     *
     * @param address a resolved address of this machine and a port
     * @return an open endpoint
     * @throws java.net.BindException if the port is taken, or the address not of this machine
     * @throws IOException for instance if too many files are open
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static DatagramEndpoint open(InetSocketAddress address) throws IOException {
        ensureResolved(address);
        LoopSelector selector = EventLoop.current().selector();
        DatagramChannel channel = DatagramChannel.open();
        InetSocketAddress bound;
        try {
            channel.bind(address);
            bound = (InetSocketAddress) channel.getLocalAddress();
        } catch (IOException e) {
            channel.close();
            throw Listener.named("cannot receive at " + address, e);
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
        String name = "datagram endpoint at " + bound;
        return new DatagramEndpoint(selector, channel, selector.watch(channel, name), name, bound, null);
    }

    /**
     * Opens an endpoint that sends to one address, and receives only from there. As far as the network reports that
     * nobody receives there, the next call fails with a {@link PortUnreachableException}.
     *
     * @param host a name, of whose addresses the first is used, or an address
     * @param port its port
     * @return an open endpoint
     * @throws java.net.UnknownHostException if the name has no address
     * @throws InterruptedException if the coroutine is cancelled
     * @throws IOException for instance if too many files are open
     * @throws IllegalStateException if the caller is not a coroutine
     */
    public static DatagramEndpoint connect(String host, int port) throws IOException, InterruptedException {
        EventLoop loop = EventLoop.current();
        SocketAddress remote =
                ByteStream.resolve(loop, InetSocketAddress.createUnresolved(host, port), Deadline.NEVER)[0];
        LoopSelector selector = loop.selector();
        DatagramChannel channel = DatagramChannel.open();
        InetSocketAddress local;
        try {
            channel.connect(remote);
            local = (InetSocketAddress) channel.getLocalAddress();
        } catch (IOException e) {
            channel.close();
            throw Listener.named("cannot send to " + remote, e);
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
        String name = "datagram endpoint to " + remote;
        return new DatagramEndpoint(selector, channel, selector.watch(channel, name), name, local,
                (InetSocketAddress) remote);
    }

    private static void ensureResolved(InetSocketAddress address) {
        if (address.isUnresolved()) {
            throw new IllegalArgumentException("address must be resolved, was " + address);
        }
    }

    /**
     * Sets an option of the socket: {@code StandardSocketOptions.SO_RCVBUF}, how many bytes of datagrams the system
     * keeps until they are received; {@code SO_SNDBUF}; {@code SO_BROADCAST}, whether broadcasts may be sent.
     *
     * @param option the option
     * @param value its value; the system may choose another one nearby
     * @param <T> the type of its value
     * @throws UnsupportedOperationException if there is no such option
     * @throws IOException for instance if the endpoint is closed
     */
    public <T> void setOption(SocketOption<T> option, T value) throws IOException {
        watch.ensureOpen();
        channel.setOption(option, value);
    }

    // ---- receiving ----

    /**
     * Limits the time of each receive call: a call that takes longer fails with a
     * {@link java.net.SocketTimeoutException}.
     *
     * @param timeout the limit; null, the default, for none
     */
    public void setReceiveTimeout(@Nullable Duration timeout) {
        receiveTimeout = Durations.checkedTimeout(timeout);
    }

    /**
     * Receives the next datagram; waits until there is one.
     *
     * @return the datagram
     * @throws PortUnreachableException if nobody receives at the address to which this is connected; the endpoint stays
     *     open
     * @throws IOException as this class says
     * @throws InterruptedException if the coroutine is cancelled
     */
    public Datagram receive() throws IOException, InterruptedException {
        ensureHere();
        if (receiver != null) {
            throw new IllegalStateException(receiver.getName() + " receives at " + name);
        }
        watch.ensureOpen();
        receiver = Thread.currentThread();
        try {
            Deadline deadline = null;
            while (true) {
                if (mayHaveMore) {
                    Datagram come = receiveNow();
                    if (come != null) {
                        return come;
                    }
                    mayHaveMore = false;
                }
                if (deadline == null) {
                    deadline = Deadline.in(receiveTimeout);
                }
                watch.await(SelectionKey.OP_READ, deadline);
                mayHaveMore = true;
            }
        } finally {
            receiver = null;
        }
    }

    private @Nullable Datagram receiveNow() throws IOException {
        ByteBuffer scratch = loop.scratch(); // larger than any datagram
        try {
            SocketAddress sender = channel.receive(scratch);
            if (sender == null) {
                return null;
            }
            byte[] bytes = new byte[scratch.flip().remaining()];
            scratch.get(bytes);
            return new Datagram((InetSocketAddress) sender, bytes);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    // ---- sending ----

    /**
     * Limits the time of each send call: a call that takes longer fails with a {@link java.net.SocketTimeoutException}.
     *
     * @param timeout the limit; null, the default, for none
     */
    public void setSendTimeout(@Nullable Duration timeout) {
        sendTimeout = Durations.checkedTimeout(timeout);
    }

    /**
     * Sends a datagram; waits while the operating system takes none. The return does not mean that the datagram has
     * arrived.
     *
     * @param bytes the content
     * @param target the address to send to
     * @throws IllegalArgumentException if the address is not resolved
     * @throws IllegalStateException if this is connected to another address, or if the caller is not a coroutine of its
     *     loop
     * @throws PortUnreachableException if nobody receives at the address to which this is connected; the endpoint stays
     *     open
     * @throws IOException as this class says; or if there are more bytes than a datagram can have, some 65,000
     * @throws InterruptedException if the coroutine is cancelled; then nothing was sent
     */
    public void send(byte[] bytes, InetSocketAddress target) throws IOException, InterruptedException {
        ensureResolved(target);
        ensureHere();
        if (remoteAddress != null && !remoteAddress.equals(target)) {
            throw new IllegalStateException(name + " sends to no other address, was " + target);
        }
        Deadline deadline = Deadline.in(sendTimeout);
        ByteBuffer source = ByteBuffer.wrap(bytes);
        watch.ensureOpen();
        sending.lockForWriting(deadline, name);
        try {
            while (!sendNow(source, target)) {
                watch.await(SelectionKey.OP_WRITE, deadline);
            }
        } finally {
            sending.unlock();
        }
    }

    /**
     * Sends a datagram to the address to which this is connected, as {@link #send(byte[], InetSocketAddress)} does.
     *
     * @param bytes the content
     * @throws IllegalStateException if this is not connected, or if the caller is not a coroutine of its loop
     * @throws PortUnreachableException if nobody receives there; the endpoint stays open
     * @throws IOException as this class says; or if there are more bytes than a datagram can have, some 65,000
     * @throws InterruptedException if the coroutine is cancelled; then nothing was sent
     */
    public void send(byte[] bytes) throws IOException, InterruptedException {
        if (remoteAddress == null) {
            throw new IllegalStateException(name + " is not connected: say where to send to");
        }
        send(bytes, remoteAddress);
    }

    private boolean sendNow(ByteBuffer source, InetSocketAddress target) throws IOException {
        try {
            return channel.send(source, target) > 0 || !source.hasRemaining(); // an empty datagram has none
        } catch (IOException e) {
            throw failed(e);
        }
    }

    // ---- both ----

    /** Names the endpoint, which the JDK's exceptions do not. */
    private IOException failed(IOException e) throws StreamClosedException {
        if (e instanceof ClosedChannelException) {
            watch.ensureOpen();
        }
        if (e instanceof PortUnreachableException) {
            IOException named = new PortUnreachableException(name + ": nobody receives there");
            named.initCause(e);
            return named;
        }
        IOException named = new SocketException(name + ": " + e.getMessage());
        named.initCause(e);
        return named;
    }

    private void ensureHere() {
        if (EventLoop.currentOrNull() != loop) {
            throw new IllegalStateException(
                    name + " is of " + loop.name() + ": " + Thread.currentThread() + " is not a coroutine of it");
        }
    }

    /**
     * Returns the address at which this receives.
     *
     * @return the address, with the actual port
     */
    public InetSocketAddress localAddress() {
        return localAddress;
    }

    /**
     * Returns the address to which this is connected.
     *
     * @return the address; null if it is not connected
     */
    public @Nullable InetSocketAddress remoteAddress() {
        return remoteAddress;
    }

    /**
     * Returns whether this was closed.
     *
     * @return true once it is closed
     */
    public boolean isClosed() {
        return watch.isClosed();
    }

    /**
     * Closes the endpoint. Coroutines that wait are woken with a {@link StreamClosedException}. May be called from any
     * thread; does not wait.
     */
    @Override
    public void close() {
        watch.close("close() was called");
        selector.letGo();
    }

    /**
     * Returns the address at which this receives or to which it is connected, and whether it is closed.
     *
     * @return such as {@code datagram endpoint at /127.0.0.1:7}
     */
    @Override
    public String toString() {
        return name + (isClosed() ? ", closed" : "");
    }
}
