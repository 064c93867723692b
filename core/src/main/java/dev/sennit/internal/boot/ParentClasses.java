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
 * The classes of this process's parent, which a worker borrows where it lacks them.
 *
 * <p>The parent numbers its class loaders. A {@link ParentLoader} here stands for one of them, and has the same classes: it asks the
 * parent, by a connection of its own that lasts as long as both processes.
 *
 * <pre>
 * worker to parent: {@link #CLASS}, int loader, UTF name       which loader has the class, if this one can find it?
 * parent to worker: int loader; if that is the one asked: UTF location, int length, bytes
 *
 * worker to parent: {@link #RESOURCES}, int loader, UTF name   all resources of that name
 * parent to worker: int count, and for each: int length, bytes
 * </pre>
 *
 * <p>In the place of a length, {@link #NONE} says that the loader does not give the bytes away, and {@link #TOO_LONG} that there are too
 * many.
 */
public final class ParentClasses {
    /** Asks for a class. */
    public static final byte CLASS = 'C';
    /** Asks for resources. */
    public static final byte RESOURCES = 'R';

    /** The system's class loader, and all that it can find. */
    public static final int SYSTEM = 0;
    /** In the place of a loader: the class cannot be found. */
    public static final int NOBODY = -1;
    /** In the place of a loader: the class is one of the JDK's. */
    public static final int JDK = -2;

    /** In the place of a length: there are no bytes to be had. */
    public static final int NONE = -1;
    /** In the place of a length: more than {@link #LONGEST}. */
    public static final int TOO_LONG = -2;

    /** The most bytes that one answer may bring, so that a resource cannot fill the memory of a worker. */
    public static final int LONGEST = 1 << 26;

    /** A request has room for that many characters in a name, whatever they are. */
    private static final int LONGEST_NAME = 0xFFFF / 3;

    private static final ParentLoader OF_SYSTEM = new ParentLoader(SYSTEM, ClassLoader.getSystemClassLoader());

    /** Guarded by itself. Loaders that nobody uses any more are not kept. */
    private static final Map<Integer, WeakReference<ParentLoader>> LOADERS = new HashMap<>();

    /** One request for each thread that waits for a class. */
    private static final BlockingQueue<Request> REQUESTS = new LinkedBlockingQueue<>();

    /** The class loader of the program, which stands in for the system's; written before the library's own main. */
    private static volatile ClassLoader application = ClassLoader.getSystemClassLoader();

    /** Null in a process that has no parent to ask. */
    private static volatile @Nullable SocketChannel parent;
    /** Guarded by {@link #REQUESTS}. */
    private static boolean isAsking;

    private ParentClasses() {}

    /**
     * The parent's answer about a class.
     *
     * @param loader the number of the loader that has it, or {@link #JDK} or {@link #NOBODY}
     * @param location where it comes from; empty if that is not known
     * @param bytes the class file, if the loader is the one that was asked and gives it away
     */
    record Found(int loader, String location, byte @Nullable [] bytes) {}

    private record Request(byte kind, int loader, String name, CompletableFuture<Object> answer) {}

    /**
     * Connects to the parent. The first thing that a worker does; a second time does nothing.
     *
     * @param socket where the parent waits for it
     * @throws IOException if the parent is gone
     */
    public static void connect(Path socket) throws IOException {
        if (parent == null) {
            parent = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        }
    }

    /**
     * The loader here that stands for one of the parent's.
     *
     * @param number the number that the parent gave it
     * @return the same one as long as it is in use
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
     * The loader of the program that this process works for.
     *
     * @return the system class loader; where that has only this package, the one that stands for the loader of the library
     */
    public static ClassLoader application() {
        return application;
    }

    /** The loader of the library, which is the parent's, and is the {@linkplain #application program's} from now on. */
    static ClassLoader borrowLibrary(int loader) {
        application = loader(loader);
        return application;
    }

    static Found find(int loader, String name) throws IOException {
        return (Found) ask(new Request(CLASS, loader, name, new CompletableFuture<>()));
    }

    /** The resources of a name; null stands for one that is too long. */
    @SuppressWarnings("unchecked")
    static List<byte @Nullable []> resources(int loader, String name) throws IOException {
        return (List<byte @Nullable []>) ask(new Request(RESOURCES, loader, name, new CompletableFuture<>()));
    }

    /**
     * Waits for an answer, which is the parent's or that it is gone. Another thread speaks to the parent: an interrupt, which cancels a
     * task, would close the channel.
     */
    private static Object ask(Request request) throws IOException {
        SocketChannel connected = parent;
        if (connected == null) {
            throw new IOException("there is no parent to ask");
        }
        if (request.name.length() > LONGEST_NAME) { // half a request would be the last one
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
            setContextClassLoader(null); // that of a task may not be kept
            out = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(parent)));
            in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(parent)));
        }

        /** An interrupt would close the channel. */
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
                    broken = e; // the line is out of step
                    request.answer.completeExceptionally(e);
                } catch (Throwable e) { // no memory for the answer, say: a part of it may be unread
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
