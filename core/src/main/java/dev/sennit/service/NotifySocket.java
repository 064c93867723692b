package dev.sennit.service;

import dev.sennit.internal.Backend;
import dev.sennit.internal.linux.UnixDatagram;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The socket by which one command reports that it is ready, as {@code sd_notify} does.
 *
 * <p>The socket is in a folder of its own, which only this user can enter. Every process with the path can send
 * messages: the command and its children.
 */
final class NotifySocket implements AutoCloseable {
    /** The variable that tells the command the path. */
    static final String VARIABLE = "NOTIFY_SOCKET";

    private final Path folder;
    private final UnixDatagram socket;

    private NotifySocket(Path folder, UnixDatagram socket) {
        this.folder = folder;
        this.socket = socket;
    }

    static NotifySocket open() throws IOException {
        Path folder = MeetingFolder.create();
        try {
            return new NotifySocket(folder, UnixDatagram.bind(folder.resolve(MeetingFolder.SOCKET)));
        } catch (Throwable e) {
            MeetingFolder.remove(folder);
            throw e;
        }
    }

    Path path() {
        return socket.path();
    }

    /**
     * Starts a thread that listens until this is closed.
     *
     * @param worker for the thread's name
     * @param ready called for each message with {@code READY=1}
     * @throws OutOfMemoryError if no thread is available
     */
    void listen(String worker, Runnable ready) {
        Backend.start(Thread.ofPlatform().daemon().name(worker + "-notify").unstarted(() -> read(ready)));
    }

    private void read(Runnable ready) {
        try {
            for (byte[] message = socket.receive(); message != null; message = socket.receive()) {
                if (Arrays.asList(new String(message, StandardCharsets.UTF_8).split("\n")).contains("READY=1")) {
                    ready.run();
                }
            }
        } catch (IOException e) { // then the command does not get ready, and its start limit ends it
            System.getLogger("dev.sennit").log(System.Logger.Level.WARNING, "cannot read " + socket, e);
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // the folder is removed in any case
        }
        MeetingFolder.remove(folder);
    }
}
