package dev.sennit.images;

import dev.sennit.images.internal.text.Printable;
import dev.sennit.process.WorkerCrashedException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.util.concurrent.TimeoutException;

/**
 * A source of which no thumbnails were made.
 *
 * @param source the source
 * @param reason the kind of failure, for counting
 * @param message what is wrong, in one line, without the source's name
 * @param cause the exception
 */
public record Failure(Source source, Reason reason, String message, Throwable cause) {
    /** Kinds of failure. */
    public enum Reason {
        /** The file could not be read. */
        UNREADABLE("could not be read"),
        /** The address could not be downloaded. */
        DOWNLOAD("could not be downloaded"),
        /** The file is no image, or it is damaged or too large. */
        IMAGE("no good image"),
        /** Making the thumbnails took longer than the limit. */
        TIMEOUT("took too long"),
        /** The worker process died while it decoded the image. */
        CRASH("crashed its worker"),
        /** A thumbnail could not be written. */
        OUTPUT("could not be written"),
        /** Any other failure. */
        OTHER("failed otherwise");

        private final String text;

        Reason(String text) {
            this.text = text;
        }

        /**
         * Returns the reason as text.
         *
         * @return such as {@code could not be read}
         */
        public String text() {
            return text;
        }
    }

    /** Returns the failure for an exception of a stage. */
    static Failure of(Source source, String stage, Throwable cause) {
        String message = cause.getMessage();
        String line = message == null || message.isBlank()
                ? cause.getClass().getSimpleName()
                : Printable.text(message.strip());
        String itself = source.text() + ": ";
        line = line.startsWith(itself) ? line.substring(itself.length()) : line;
        return new Failure(source, reason(stage, cause), line, cause);
    }

    private static Reason reason(String stage, Throwable cause) {
        return switch (cause) {
            case DownloadException e -> Reason.DOWNLOAD;
            case ImageException e -> Reason.IMAGE;
            case TimeoutException e -> Reason.TIMEOUT;
            case WorkerCrashedException e -> Reason.CRASH;
            case FileAlreadyExistsException e -> Reason.OUTPUT;
            case IOException e when stage.equals(ThumbnailPipeline.FETCH) -> Reason.UNREADABLE;
            case IOException e when stage.equals(ThumbnailPipeline.WRITE) -> Reason.OUTPUT;
            default -> Reason.OTHER;
        };
    }

    @Override
    public String toString() {
        return source.text() + ": " + message;
    }
}
