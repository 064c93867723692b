package dev.sennit.server.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A folder whose files are opened by names from outside. No name leads out of it.
 *
 * <p>A name is taken apart before the system sees it, and each part is checked. Symbolic links are followed as long as
 * they end in the folder: the real path is found first. Then the file is opened along that path, part by part, each
 * relative to the opened folder above and without following links; so nobody can put a link in between.
 */
public final class FileFolder {
    /** How often a file is opened that is being replaced by others. */
    private static final int ATTEMPTS = 5;

    /** The errors of the system for names that no file can have. */
    private static final List<String> OF_NAMES = List.of(
            "Not a directory", "File name too long", "Too many levels of symbolic links", "Invalid argument",
            "No such device or address");

    private final Path root;

    /** The file or folder at a path, or neither. */
    public sealed interface Found {}

    /** A folder. */
    public record Folder() implements Found {}

    /**
     * An opened file, which has to be closed.
     *
     * @param size how many bytes it had when it was opened
     */
    public record OpenedFile(FileChannel channel, String name, long size, Instant changed)
            implements Found, AutoCloseable {
        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /**
     * Makes a folder.
     *
     * @throws IllegalArgumentException if it is none
     */
    public FileFolder(Path folder) {
        try {
            root = folder.toRealPath();
        } catch (IOException e) {
            throw new IllegalArgumentException("there is no folder " + folder + ": " + reason(e), e);
        }
        if (!Files.isDirectory(root)) {
            throw new IllegalArgumentException(folder + " must be a folder, is a file");
        }
    }

    private static String reason(IOException e) {
        return e instanceof AccessDeniedException ? "this user may not read it" : "it does not exist";
    }

    public Path root() {
        return root;
    }

    /**
     * Opens what is at a path.
     *
     * @param parts of the path, decoded; none for the folder itself
     * @return null if there is nothing that may be shown
     */
    public @Nullable Found open(List<String> parts) throws IOException {
        Path asked = root;
        for (String part : parts) {
            if (!isName(part)) {
                return null;
            }
            try {
                asked = asked.resolve(part);
            } catch (InvalidPathException e) { // the locale has no such letters, so no file has them
                return null;
            }
        }
        try {
            for (int i = 0; i < ATTEMPTS; i++) {
                Found found = open(asked);
                if (found != null) {
                    return found;
                }
            }
        } catch (FileSystemException e) {
            if (isNotThere(e)) {
                return null;
            }
            throw e;
        }
        throw new IOException("file " + asked + " is replaced again and again while it is opened");
    }

    /** Returns whether a part of a path may name a file: hidden files hold passwords and histories. */
    private static boolean isName(String part) {
        boolean isHidden = part.startsWith(".") && !part.equals(".well-known");
        return !part.isEmpty() && !isHidden
                && part.chars().noneMatch(c -> c < ' ' || c == 127 || c == '/' || c == '\\');
    }

    private static boolean isNotThere(FileSystemException e) {
        return e instanceof NoSuchFileException || e instanceof NotDirectoryException
                || e instanceof AccessDeniedException || e instanceof FileSystemLoopException
                || e instanceof NotLinkException
                || OF_NAMES.stream().anyMatch(Objects.requireNonNullElse(e.getReason(), "")::startsWith);
    }

    /** Returns null if the file was replaced meanwhile. */
    private @Nullable Found open(Path asked) throws IOException {
        Path real = asked.toRealPath();
        if (!real.startsWith(root)) {
            throw new NoSuchFileException(asked.toString());
        }
        BasicFileAttributes before = Files.readAttributes(real, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (before.isDirectory()) {
            return new Folder();
        }
        if (!before.isRegularFile()) { // the open of a pipe would wait for a writer
            throw new NoSuchFileException(asked.toString());
        }
        return openAlong(root.relativize(real), Objects.requireNonNull(asked.getFileName()).toString(), before);
    }

    private @Nullable OpenedFile openAlong(Path below, String name, BasicFileAttributes before) throws IOException {
        DirectoryStream<Path> at = Files.newDirectoryStream(root);
        @Nullable FileChannel channel = null;
        boolean isOpened = false;
        try {
            int last = below.getNameCount() - 1;
            for (int i = 0; i < last; i++) {
                DirectoryStream<Path> next = secure(at).newDirectoryStream(below.getName(i), LinkOption.NOFOLLOW_LINKS);
                DirectoryStream<Path> above = at;
                at = next;
                above.close();
            }
            Path file = below.getName(last);
            channel = (FileChannel) secure(at).newByteChannel(
                    file, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
            BasicFileAttributes after = secure(at)
                    .getFileAttributeView(file, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                    .readAttributes();
            if (!Objects.equals(before.fileKey(), after.fileKey())) {
                return null; // the time of one file and the bytes of another
            }
            OpenedFile opened = new OpenedFile(channel, name, channel.size(), after.lastModifiedTime().toInstant());
            isOpened = true;
            return opened;
        } finally {
            at.close();
            if (channel != null && !isOpened) {
                channel.close();
            }
        }
    }

    /** Folders of Linux can open what is in them. */
    private static SecureDirectoryStream<Path> secure(DirectoryStream<Path> folder) throws IOException {
        if (folder instanceof SecureDirectoryStream<Path> secure) {
            return secure;
        }
        throw new IOException("this file system cannot open files without following links");
    }
}
