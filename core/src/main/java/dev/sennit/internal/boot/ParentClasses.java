package dev.sennit.internal.boot;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * The classes of this process's parent, which a worker borrows if it lacks them.
 *
 * <p>The parent numbers its class loaders. A {@link ParentLoader} here stands for one of them, and has the same
 * classes: it requests them from the parent, over a connection for this purpose that lasts as long as both processes.
 *
 * <pre>
 * worker to parent: {@link #CLASS}, int loader, UTF name       which loader has the class, if this one can find it?
 * parent to worker: int loader; if that is the one asked: UTF location, int length, bytes
 *
 * worker to parent: {@link #RESOURCES}, int loader, UTF name   all resources of that name
 * parent to worker: int count, and for each: int length, bytes
 * </pre>
 *
 * <p>Instead of a length, {@link #NONE} means that the loader does not provide the bytes, and {@link #TOO_LONG} that
 * there are too many.
 */
public final class ParentClasses {
    /** Requests a class. */
    public static final byte CLASS = 'C';
    /** Requests resources. */
    public static final byte RESOURCES = 'R';

    /** The parent's system class loader, and all classes that it can find. */
    public static final int SYSTEM = 0;
    /** Instead of a loader: the class cannot be found. */
    public static final int NOBODY = -1;
    /** Instead of a loader: the class belongs to the JDK. */
    public static final int JDK = -2;

    /** Instead of a length: the bytes are not available. */
    public static final int NONE = -1;
    /** Instead of a length: more than {@link #LONGEST}. */
    public static final int TOO_LONG = -2;

    /** The greatest length in an answer, so that a resource cannot fill the memory of a worker. */
    public static final int LONGEST = 1 << 26;

    /** How many characters of any kind a name in a request may have. */
    private static final int LONGEST_NAME = 0xFFFF / 3;

    private static final ParentLoader OF_SYSTEM = new ParentLoader(SYSTEM, ClassLoader.getSystemClassLoader());

    /** Guarded by itself. Does not retain loaders that are not in use. */
    private static final Map<Integer, WeakReference<ParentLoader>> LOADERS = new HashMap<>();

    /** A request for each thread that waits for a class. */
    private static final BlockingQueue<Request> REQUESTS = new LinkedBlockingQueue<>();

    /**
     * The class loader of the program, used instead of the system class loader; written before the library's main runs.
     */
    private static volatile ClassLoader application = ClassLoader.getSystemClassLoader();

    /** The connection to the parent; null in a process without a parent. */
    private static volatile @Nullable SocketChannel parent;
    /** Guarded by {@link #REQUESTS}. Whether the thread that asks was started. */
    private static boolean isAsking;

    private ParentClasses() {}

    /**
     * The parent's answer about a class.
     *
     * @param loader the number of the loader that has the class, or {@link #JDK} or {@link #NOBODY}
     * @param location the location of its code; empty if that is not known
     * @param bytes the class file, if the loader is the one in the request and provides it
     */
    record Found(int loader, String location, byte @Nullable [] bytes) {}

    private record Request(byte kind, int loader, String name, CompletableFuture<Object> answer) {}

    /**
     * Connects to the parent. A worker does this first; a second call has no effect.
     *
     * @param socket the parent's socket
     * @throws IOException if the parent is gone
     */
    public static void connect(Path socket) throws IOException {
        if (parent == null) {
            parent = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        }
    }

    /**
     * Returns the loader that stands for a loader of the parent.
     *
     * @param number the number that the parent gave its loader
     * @return the loader; the same object while it is in use
     */
    public static ClassLoader loader(int number) {
        if (number == SYSTEM) {
            return OF_SYSTEM;
        }
        synchronized (LOADERS) {
            WeakReference<ParentLoader> known = LOADERS.get(number);
            ParentLoader loader = known == null ? null : known.get();
            if (loader == null) {
                LOADERS.values().removeIf(each -> each.refersTo(null));
                loader = new ParentLoader(number, ClassLoader.getPlatformClassLoader());
                LOADERS.put(number, new WeakReference<>(loader));
            }
            return loader;
        }
    }

    /**
     * Returns the loader of the program that this process works for.
     *
     * @return the system class loader; if that has only this package, the loader that stands for the parent's loader of
     *     the library
     */
    public static ClassLoader application() {
        return application;
    }

    /**
     * Returns the loader that stands for the parent's loader of the library, and makes it the {@link #application}
     * loader.
     */
    static ClassLoader borrowLibrary(int loader) {
        application = loader(loader);
        return application;
    }

    static Found find(int loader, String name) throws IOException {
        return (Found) ask(new Request(CLASS, loader, name, new CompletableFuture<>()));
    }

    /** Returns the resources of a name; an element is null if the resource is too long or not available. */
    @SuppressWarnings("unchecked")
    static List<byte @Nullable []> resources(int loader, String name) throws IOException {
        return (List<byte @Nullable []>) ask(new Request(RESOURCES, loader, name, new CompletableFuture<>()));
    }

    /**
     * Waits for the parent's answer, or until it is gone. Another thread uses the connection: in this thread an
     * interrupt, which cancels a task, would close the channel.
     */
    private static Object ask(Request request) throws IOException {
        SocketChannel connected = parent;
        if (connected == null) {
            throw new IOException("there is no parent to ask");
        }
        if (request.name.length() > LONGEST_NAME) { // writeUTF would fail after half a request was written
            throw new IOException("nothing has a name of " + request.name.length() + " characters");
        }
        synchronized (REQUESTS) {
            if (!isAsking) {
                new Asking(connected).start();
                isAsking = true;
            }
        }
        REQUESTS.add(request);
        try {
            return request.answer.join();
        } catch (CompletionException e) {
            throw new IOException("the parent cannot be asked: " + e.getCause(), e.getCause());
        }
    }

    /** Asks the parent, one request after another. */
    private static final class Asking extends Thread {
        private final DataOutputStream out;
        private final DataInputStream in;

        Asking(SocketChannel parent) {
            super("sennit-classes");
            setDaemon(true);
            setContextClassLoader(null); // must not retain that of a task
            out = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(parent)));
            in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(parent)));
        }

        /** Ignores interrupts, as an interrupt would close the channel. */
        @Override
        public void interrupt() {}

        @Override
        public void run() {
            IOException broken = null;
            while (true) {
                Request request;
                try {
                    request = REQUESTS.take();
                } catch (InterruptedException e) {
                    throw new AssertionError("this thread cannot be interrupted", e);
                }
                try {
                    if (broken != null) {
                        throw broken;
                    }
                    request.answer.complete(answerTo(request));
                } catch (IOException e) {
                    broken = e; // the position in the stream is unknown
                    request.answer.completeExceptionally(e);
                } catch (Throwable e) { // no memory for the answer, for example; a part of it may be unread
                    broken = new IOException(e);
                    request.answer.completeExceptionally(e);
                }
            }
        }

        private Object answerTo(Request request) throws IOException {
            out.writeByte(request.kind);
            out.writeInt(request.loader);
            out.writeUTF(request.name);
            out.flush();
            return request.kind == CLASS ? readClass(request.loader) : readResources();
        }

        private Found readClass(int asked) throws IOException {
            int loader = in.readInt();
            return loader == asked ? new Found(loader, in.readUTF(), readBytes()) : new Found(loader, "", null);
        }

        private List<byte @Nullable []> readResources() throws IOException {
            List<byte @Nullable []> all = new ArrayList<>();
            for (int left = in.readInt(); left > 0; left--) {
                all.add(readBytes());
            }
            return all;
        }

        private byte @Nullable [] readBytes() throws IOException {
            int length = in.readInt();
            if (length < 0) {
                return null;
            }
            byte[] bytes = in.readNBytes(length);
            if (bytes.length < length) {
                throw new EOFException("the parent ended in the middle of an answer");
            }
            return bytes;
        }
    }
}
