package dev.sennit.server.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The folder of a server for the files of forms, from the first form on. */
public final class Uploads implements AutoCloseable {
    // guarded by this
    private @Nullable WorkerFolder folder;
    private boolean isClosed;

    /** Makes no folder yet. */
    public Uploads() {
        // nobody may need it
    }

    /**
     * Returns the folder; a new one, if something that cleans temporary files has removed it.
     *
     * @throws IOException if it cannot be made, or the server has ended
     */
    public synchronized Path folder() throws IOException {
        if (isClosed) {
            throw new IOException("the server has ended");
        }
        WorkerFolder known = folder;
        if (known != null && Files.isDirectory(known.work())) {
            return known.work();
        }
        if (known != null) {
            known.close();
        }
        WorkerFolder made = WorkerFolder.create("uploads");
        folder = made;
        return made.work();
    }

    /** Removes the folder with its files. */
    @Override
    public synchronized void close() {
        isClosed = true;
        if (folder != null) {
            folder.close();
        }
    }
}
