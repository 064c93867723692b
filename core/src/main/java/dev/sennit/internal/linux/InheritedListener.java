package dev.sennit.internal.linux;

import dev.sennit.internal.Linux;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;

/**
 * Makes a Java channel of a listener's descriptor. Java has one way to do so, {@link System#inheritedChannel}, which
 * looks at descriptor 0 and only once in the life of a JVM. So the listener is there for that moment only: standard
 * input is as before afterwards, and programs that inherit it do not get the listener.
 *
 * <p><b>Do not close the channel before the process ends.</b> Closing it points descriptors 0, 1 and 2 at
 * {@code /dev/null}, so that whatever the process says afterwards is lost. An interrupt closes it too, if the thread is
 * in {@code accept}. Who wants no more connections just stops accepting: those that come wait for the other processes
 * that have the listener. To be able to stop, accept by a {@link java.nio.channels.Selector}.
 */
public final class InheritedListener {
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int FIRST_FREE = 3;
    private static final int AT_FDCWD = -100;

    private InheritedListener() {}

    /**
     * Makes the channel. To be called once.
     *
     * @param descriptor a listening socket of TCP or of a Unix path; closed here, whatever happens
     * @return the channel, in blocking mode
     * @throws IOException if it is none, or this JVM has looked for an inherited channel before
     */
    public static synchronized ServerSocketChannel take(int descriptor) throws IOException {
        SystemCall.ensureSupported("cannot take over a listener");
        try {
            SocketAddress address = ListeningSocket.addressOf(descriptor);
            Channel channel = inherited(descriptor);
            if (channel instanceof ServerSocketChannel listener
                    && listener.isOpen()
                    && isSame(address, listener.getLocalAddress())) {
                return listener;
            }
            throw new IOException("the listener on " + address + " cannot be taken over: System.inheritedChannel() "
                    + "returns " + channel + ", as it was called before, or this does not listen");
        } finally {
            Linux.close(descriptor);
        }
    }

    /**
     * Makes a channel of a listener that this process keeps.
     *
     * @param socket stays open
     * @return the channel, in blocking mode
     * @throws IOException as {@link #take}
     */
    public static ServerSocketChannel takeCopy(ListeningSocket socket) throws IOException {
        return take(socket.duplicate());
    }

    /** Host addresses have several forms, of which the kernel's and Java's may differ. */
    private static boolean isSame(SocketAddress one, SocketAddress other) {
        return one instanceof InetSocketAddress first && other instanceof InetSocketAddress second
                ? first.getPort() == second.getPort()
                : one.equals(other);
    }

    private static Channel inherited(int descriptor) throws IOException {
        int before = copyOfStandardInput();
        try {
            SystemCall.DUP3.make(descriptor, 0, 0);
            return System.inheritedChannel(); // on a copy of descriptor 0
        } finally {
            SystemCall.DUP3.make(before, 0, 0);
            Linux.close(before);
        }
    }

    private static int copyOfStandardInput() throws SystemCallException {
        try {
            return (int) SystemCall.FCNTL.make(0, F_DUPFD_CLOEXEC, FIRST_FREE);
        } catch (SystemCallException e) {
            if (!e.is(SystemCallException.EBADF)) {
                throw e;
            }
        }
        // The process was started without: the first file that it opened next would become its standard input.
        try (Arena arena = Arena.ofConfined()) {
            int opened = (int) SystemCall.OPENAT.make(
                    AT_FDCWD, arena.allocateFrom("/dev/null").address(), Sockets.SOCK_CLOEXEC);
            if (opened != 0) {
                return opened;
            }
            return (int) SystemCall.FCNTL.make(0, F_DUPFD_CLOEXEC, FIRST_FREE);
        }
    }
}
