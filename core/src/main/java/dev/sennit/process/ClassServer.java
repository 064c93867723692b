package dev.sennit.process;

import dev.sennit.codec.LoaderNumbers;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.internal.Backend;
import dev.sennit.internal.boot.ParentClasses;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.security.CodeSource;
import java.util.Enumeration;
import org.jspecify.annotations.Nullable;

/**
 * Hands classes and resources of this JVM to one of its workers, for as long as that lives. {@link ParentClasses} has
 * the protocol.
 *
 * <p>On a thread of its own, a platform thread: a class loader is user code and may take its time, and a virtual thread
 * may find all carriers taken by tasks that wait for the class. What a worker asks for, it could as well read where
 * this JVM does: both run as one user. No class is initialized here for it.
 */
final class ClassServer extends Thread {
    /** In characters; in UTF-8 it has to fit what {@code writeUTF} takes. */
    private static final int LONGEST_LOCATION = 20_000;

    private final SocketChannel worker;

    private ClassServer(SocketChannel worker, String name) {
        super(name + "-classes");
        this.worker = worker;
        setDaemon(true);
        // not that of the thread that happened to start a worker
        setContextClassLoader(ClassLoader.getSystemClassLoader());
    }

    /**
     * Serves a worker until it ends.
     *
     * @param worker a connection, which is closed then; also when this method throws
     */
    static void serve(SocketChannel worker, String name) throws IOException {
        try {
            Backend.start(new ClassServer(worker, name));
        } catch (Throwable e) { // no thread available
            worker.close();
            throw e;
        }
    }

    /** A class loader that interrupts its caller would close the channel. */
    @Override
    public void interrupt() {}

    @Override
    public void run() {
        try (worker) {
            var in = new DataInputStream(new BufferedInputStream(Channels.newInputStream(worker)));
            while (true) {
                byte kind = in.readByte();
                int loader = in.readInt();
                String name = in.readUTF();
                var answer = new MessageBuffer();
                var out = new DataOutputStream(answer);
                switch (kind) {
                    case ParentClasses.CLASS -> find(loader, name, out);
                    case ParentClasses.RESOURCES -> read(loader, name, out);
                    default -> throw new IOException("no request is called " + kind);
                }
                Channels.newOutputStream(worker).write(answer.bytes(), 0, answer.length());
            }
        } catch (IOException | OutOfMemoryError e) {
            // it has ended, is none of ours, or has to do without
        }
    }

    private static void find(int number, String name, DataOutputStream out) throws IOException {
        Class<?> type = classNamed(LoaderNumbers.get(number), name);
        int owner = type == null ? ParentClasses.NOBODY : isOfJdk(type) ? ParentClasses.JDK : LoaderNumbers.of(type);
        out.writeInt(owner);
        if (type == null || owner != number) {
            return;
        }
        out.writeUTF(locationOf(type));
        byte[] bytes = bytesOf(type);
        out.writeInt(bytes == null ? ParentClasses.NONE : bytes.length);
        if (bytes != null) {
            out.write(bytes);
        }
    }

    private static @Nullable Class<?> classNamed(@Nullable ClassLoader loader, String name) {
        try {
            return loader == null ? null : Class.forName(name, false, loader);
        } catch (Throwable e) { // of the loader, which is user code: whatever it is, there is no class
            return null;
        }
    }

    private static boolean isOfJdk(Class<?> type) {
        return type.getClassLoader() == null || type.getClassLoader() == ClassLoader.getPlatformClassLoader();
    }

    private static String locationOf(Class<?> type) {
        try {
            CodeSource source = type.getProtectionDomain().getCodeSource();
            URL location = source == null ? null : source.getLocation();
            String text = location == null ? "" : location.toExternalForm();
            return text.length() > LONGEST_LOCATION ? "" : text;
        } catch (Throwable e) { // of the URL's handler, which is user code
            return "";
        }
    }

    private static byte @Nullable [] bytesOf(Class<?> type) {
        String file = type.getName().substring(type.getName().lastIndexOf('.') + 1) + ".class";
        try (InputStream in = type.getResourceAsStream(file)) {
            return in == null ? null : bounded(in, ParentClasses.LONGEST);
        } catch (Throwable e) { // of the loader, which is user code
            return null;
        }
    }

    /** All resources of that name that are none of the JDK's; all of them together are no longer than one may be. */
    private static void read(int number, String name, DataOutputStream out) throws IOException {
        var found = new MessageBuffer();
        var each = new DataOutputStream(found);
        int count = 0;
        int whole = 0;
        int left = ParentClasses.LONGEST;
        ClassLoader loader = LoaderNumbers.get(number);
        try {
            Enumeration<URL> urls = loader == null ? null : loader.getResources(name);
            while (urls != null && urls.hasMoreElements()) {
                URL url = urls.nextElement();
                if (url.getProtocol().equals("jrt")) {
                    continue;
                }
                byte[] bytes = read(url, left);
                each.writeInt(bytes == null ? ParentClasses.TOO_LONG : bytes.length);
                if (bytes != null) {
                    each.write(bytes);
                    left -= bytes.length;
                }
                count++;
                whole = found.length();
            }
        } catch (Throwable e) {
            // of the loader, which is user code: then there are no more
        }
        out.writeInt(count);
        out.write(found.bytes(), 0, whole);
    }

    private static byte @Nullable [] read(URL url, int most) throws IOException {
        URLConnection connection = url.openConnection();
        connection.setUseCaches(false); // else a jar stays open that somebody wants to replace
        try (InputStream in = connection.getInputStream()) {
            return bounded(in, most);
        }
    }

    private static byte @Nullable [] bounded(InputStream in, int most) throws IOException {
        byte[] bytes = in.readNBytes(most + 1);
        return bytes.length > most ? null : bytes;
    }
}
