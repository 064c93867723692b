package dev.sennit.loop;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * A walk over a folder, for one coroutine. The loop's own threads open and read folders, some names at a time; between
 * these calls the open folders belong to the coroutine.
 */
final class FileWalk {
    private static final int NAMES = 256;

    private final EventLoop loop;
    private final int depth;
    private final FileStream.Visitor visitor;
    /** The folders on the way, the innermost first. */
    private final Deque<Folder> open = new ArrayDeque<>();

    FileWalk(EventLoop loop, int depth, FileStream.Visitor visitor) {
        this.loop = loop;
        this.depth = depth;
        this.visitor = visitor;
    }

    private record Found(Path path, BasicFileAttributes attributes) {}

    /** A folder that is being read. */
    private static final class Folder {
        private final DirectoryStream<Path> names;
        private final Iterator<Path> rest;
        /** Files and folders read but not yet visited. */
        private final Deque<Found> found = new ArrayDeque<>();
        /** Whether the folder was read to its end; it is closed then. */
        private boolean ended;

        Folder(DirectoryStream<Path> names) {
            this.names = names;
            rest = names.iterator();
        }

        /** Blocks. */
        void readOn() throws IOException {
            try {
                while (found.size() < NAMES && !ended) {
                    if (rest.hasNext()) {
                        add(rest.next());
                    } else {
                        names.close();
                        ended = true;
                    }
                }
            } catch (DirectoryIteratorException e) {
                throw e.getCause();
            }
        }

        private void add(Path path) throws IOException {
            try {
                found.add(new Found(path, attributes(path)));
            } catch (NoSuchFileException e) {
                // deleted meanwhile
            }
        }

        /** Blocks. */
        void close() {
            try {
                names.close();
            } catch (IOException e) {
                // it is closed either way
            }
        }
    }

    void from(Path start) throws IOException, InterruptedException {
        try {
            Found first = Blocking.call(loop, () -> new Found(start, attributes(start)), none -> {});
            FileVisitResult result = visit(first);
            while (result != FileVisitResult.TERMINATE) {
                Folder innermost = open.peek();
                if (innermost == null) {
                    return;
                }
                Found next = next(innermost);
                if (next == null || (result = visit(next)) == FileVisitResult.SKIP_SIBLINGS) {
                    close(open.pop());
                    result = FileVisitResult.CONTINUE;
                }
            }
        } finally {
            open.forEach(FileWalk::close);
        }
    }

    private FileVisitResult visit(Found one) throws IOException, InterruptedException {
        FileVisitResult result = visitor.visit(one.path, one.attributes);
        if (result == FileVisitResult.CONTINUE && one.attributes.isDirectory() && open.size() < depth) {
            Folder folder = Blocking.call(loop, () -> open(one.path), left -> {
                if (left != null) {
                    left.close();
                }
            });
            if (folder != null) {
                open.push(folder);
            }
        }
        return result;
    }

    private @Nullable Found next(Folder folder) throws IOException, InterruptedException {
        if (folder.found.isEmpty() && !folder.ended) {
            Blocking.call(
                    loop,
                    () -> {
                        folder.readOn();
                        return true;
                    },
                    none -> {});
        }
        return folder.found.poll();
    }

    /** Closes a folder that was not read to its end. */
    private static void close(Folder folder) {
        if (!folder.ended) {
            Blocking.elsewhere(folder::close);
        }
    }

    // ---- on the loop's threads ----

    private static BasicFileAttributes attributes(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    }

    /** Returns null if the path was deleted or is no folder any more. */
    private static @Nullable Folder open(Path path) throws IOException {
        Folder folder;
        try {
            folder = new Folder(Files.newDirectoryStream(path));
        } catch (NoSuchFileException | NotDirectoryException e) {
            return null;
        }
        try {
            folder.readOn();
            return folder;
        } catch (Throwable e) {
            folder.close();
            throw e;
        }
    }
}
