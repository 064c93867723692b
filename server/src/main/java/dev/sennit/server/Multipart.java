package dev.sennit.server;

import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.MultiPart;
import org.eclipse.jetty.http.MultiPartFormData;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.util.Promise;
import org.jspecify.annotations.Nullable;

/** Reads forms with parts. Jetty's parser does; the body comes through {@link RequestBody}, and so has its limits. */
final class Multipart {
    private static final String TYPE = "multipart/form-data";

    private Multipart() {}

    static List<WebPart> parse(Call call, MultipartLimits limits)
            throws IOException, InterruptedException, RefusedException {
        String type = call.header("Content-Type");
        if (type == null || !type.toLowerCase(Locale.ROOT).startsWith(TYPE)) {
            throw new RefusedException(415, "the body must be of type " + TYPE);
        }
        String boundary = boundary(type);
        if (boundary == null || boundary.isEmpty()) {
            throw new RefusedException(400, "the type of the body names no boundary");
        }
        var parser = new MultiPartFormData.Parser(boundary);
        parser.setFilesDirectory(call.uploads());
        parser.setMaxParts(limits.parts());
        parser.setMaxFileSize(limits.partSize() == Long.MAX_VALUE ? -1 : limits.partSize());
        parser.setMaxMemoryFileSize(limits.inMemory());
        parser.setUseFilesForPartsWithoutFileName(true);
        parser.setPartHeadersMaxLength(limits.headerSize());
        parser.setMaxLength(-1); // the body has a limit already
        CompletableFuture<MultiPartFormData.Parts> parsed = new CompletableFuture<>();
        MultiPartFormData.Parts parts;
        try {
            parser.parse(Content.Source.from(call.body()), Promise.Invocable.toPromise(parsed));
            parts = parsed.get(); // the body has limits of time, so this ends
        } catch (ExecutionException e) {
            throw refusal(e.getCause());
        }
        List<WebPart> all = new ArrayList<>();
        for (MultiPart.Part part : parts) {
            call.holds(part::delete);
            all.add(new WebPart(part));
        }
        for (WebPart part : all) {
            if (part.name() == null) {
                throw new RefusedException(400, "a part of the form has no name");
            }
        }
        return List.copyOf(all);
    }

    private static @Nullable String boundary(String type) {
        try {
            return MultiPart.extractBoundary(type);
        } catch (RuntimeException e) { // quotes without an end, for example
            return null;
        }
    }

    /** Returns what tells the client; throws what is no fault of the form. */
    private static RefusedException refusal(@Nullable Throwable cause) throws IOException {
        if (cause instanceof RequestBody.TooLargeException tooLarge) {
            throw tooLarge;
        }
        if (cause instanceof IllegalStateException
                || cause instanceof HttpException refused && refused.getCode() == 413) {
            return new RefusedException(413, "the parts of the form are too many or too large");
        }
        // the parser's end of file; Jetty's own EofException is a client that has gone
        boolean isCutShort = cause != null && cause.getClass() == EOFException.class;
        if (cause instanceof IOException io && !(cause instanceof HttpException) && !isCutShort) {
            throw io; // the client has gone, or no file can be written
        }
        return new RefusedException(400, "the body is no form with parts");
    }
}
