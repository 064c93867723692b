package dev.sennit.server;

import dev.sennit.server.files.ByteRanges;
import dev.sennit.server.files.ContentTypes;
import dev.sennit.server.files.FileFolder;
import dev.sennit.server.files.FileFolder.Folder;
import dev.sennit.server.files.FileFolder.Found;
import dev.sennit.server.files.FileFolder.OpenedFile;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.eclipse.jetty.http.HttpDateTime;
import org.jspecify.annotations.Nullable;

/**
 * A folder whose files are served. Immutable.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 *
 * Routes routes = Routes.create()
 *         .files("/assets", StaticFiles.of(Path.of("public")).cacheControl("public, max-age=31536000, immutable"));
 * }
 *
 * <p>No path leads out of the folder, symbolic links included: those that end in the folder are followed, others are
 * answered with 404. So are hidden files and folders, whose names begin with a dot, but for {@code .well-known}. A path
 * of a folder is answered with its {@code index.html}; nothing lists a folder.
 *
 * <p>Responses have a strong {@code ETag}, of the size of the file and the time of its last change, and {@code
 * Last-Modified}; conditional requests and requests for parts are answered as RFC 9110 says. A request for more than 16
 * parts, or for more bytes than the file has, gets the whole file. The system sends the bytes from the file to the
 * connection where it can: over HTTP/1 without TLS. A file takes no memory, however long it is.
 *
 * <p>Replace files by a rename. A file that changes while it is sent reaches its client mixed; a file that becomes
 * shorter ends the connection.
 */
public final class StaticFiles {
    private static final String INDEX = "index.html";

    private final FileFolder folder;
    private final String cacheControl;
    private final Map<String, String> types;

    private StaticFiles(FileFolder folder, String cacheControl, Map<String, String> types) {
        this.folder = folder;
        this.cacheControl = cacheControl;
        this.types = types;
    }

    /**
     * A folder. If its path is a symbolic link, the folder at which it points now is served.
     *
     * @param folder the folder
     * @return the files, which clients ask for anew each time: {@code Cache-Control: no-cache}, so that they get 304
     * @throws IllegalArgumentException if there is no such folder
     */
    public static StaticFiles of(Path folder) {
        return new StaticFiles(new FileFolder(folder), "no-cache", Map.of());
    }

    /**
     * Returns these files with another {@code Cache-Control}.
     *
     * @param value {@code max-age=3600}, for example; empty for none
     * @return the files
     * @throws IllegalArgumentException if the value has control characters
     */
    public StaticFiles cacheControl(String value) {
        return new StaticFiles(folder, Fields.ensureValue("Cache-Control", value), types);
    }

    /**
     * Returns these files with another type for an extension. The usual ones are known; all else is {@code
     * application/octet-stream}.
     *
     * @param extension {@code glb}, for example; in any case
     * @param type {@code model/gltf-binary}, for example
     * @return the files
     * @throws IllegalArgumentException if the extension is empty or has a dot, or the type has control characters
     */
    public StaticFiles type(String extension, String type) {
        if (extension.isEmpty() || extension.contains(".")) {
            throw new IllegalArgumentException("extension must have letters and no dot, was \"" + extension + "\"");
        }
        Map<String, String> all = new HashMap<>(types);
        all.put(ContentTypes.extension(extension), Fields.ensureValue("Content-Type", type));
        return new StaticFiles(folder, cacheControl, Map.copyOf(all));
    }

    /** Returns the folder. */
    @Override
    public String toString() {
        return folder.root().toString();
    }

    // ---- requests ----

    /**
     * Answers a request.
     *
     * @param path that of the route, which the path of the request begins with
     */
    void answer(Call call, String path) throws IOException {
        if (!call.method().equals("GET") && !call.method().equals("HEAD")) {
            refuse(call, 405, "files have other methods\n", new WebResponse.Field("Allow", "GET, HEAD"));
            return;
        }
        String below = call.path().substring(path.endsWith("/") ? path.length() - 1 : path.length());
        boolean asksForFolder = below.endsWith("/");
        List<String> parts = new ArrayList<>(
                below.length() <= 1 ? List.of() : Arrays.asList(below.substring(1).split("/", -1)));
        if (asksForFolder) {
            if (!parts.isEmpty()) {
                parts.removeLast();
            }
            parts.add(INDEX);
        }
        Found found = folder.open(parts);
        if (found instanceof OpenedFile file) {
            try (file) {
                send(call, file);
            }
        } else if (found instanceof Folder && !asksForFolder && hasIndex(parts)) {
            // relative to the path of the request, so that it never leads to another host
            call.send(301, List.of(new WebResponse.Field("Location", withSlash(call))), new byte[0]);
        } else {
            refuse(call, 404, "there is nothing at this path\n");
        }
    }

    private boolean hasIndex(List<String> parts) throws IOException {
        List<String> index = new ArrayList<>(parts);
        index.add(INDEX);
        if (folder.open(index) instanceof OpenedFile file) {
            file.close();
            return true;
        }
        return false;
    }

    private static String withSlash(Call call) throws IOException {
        String path = call.path();
        try { // a part with a colon would be a scheme, if nothing stood before it
            String last = new URI(null, null, "./" + path.substring(path.lastIndexOf('/') + 1) + "/", null)
                    .toASCIIString();
            int query = call.target().indexOf('?');
            return query < 0 ? last : last + call.target().substring(query);
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }

    private static void refuse(Call call, int status, String text, WebResponse.Field... fields) throws IOException {
        List<WebResponse.Field> all = new ArrayList<>(List.of(fields));
        all.add(new WebResponse.Field("Content-Type", "text/plain; charset=utf-8"));
        call.send(status, all, text.getBytes(StandardCharsets.UTF_8));
    }

    private void send(Call call, OpenedFile file) throws IOException {
        Instant changed = file.changed();
        ETag tag = ETag.strong(Long.toHexString(file.size()) + "-" + Long.toHexString(changed.getEpochSecond()) + "-"
                + Integer.toHexString(changed.getNano()));
        List<WebResponse.Field> fields = new ArrayList<>();
        fields.add(new WebResponse.Field("ETag", tag.toString()));
        if (changed.isBefore(Instant.now())) { // a clock was wrong otherwise
            fields.add(new WebResponse.Field("Last-Modified", HttpDateTime.format(changed)));
        }
        if (!cacheControl.isEmpty()) {
            fields.add(new WebResponse.Field("Cache-Control", cacheControl));
        }
        ResourceVersion version = ResourceVersion.of(tag, changed);
        Preconditions conditions = Preconditions.of(call.method(), call::headers);
        switch (conditions.evaluate(Optional.of(version)).orElse(200)) {
            case 304 -> {
                fields.add(new WebResponse.Field("Content-Length", Long.toString(file.size()))); // else Jetty says 0
                call.send(304, fields, new byte[0]);
            }
            case 412 -> refuse(call, 412, "the file is another\n", fields.toArray(WebResponse.Field[]::new));
            default -> {
                fields.add(new WebResponse.Field("Accept-Ranges", "bytes"));
                fields.add(new WebResponse.Field("X-Content-Type-Options", "nosniff"));
                boolean mayBeParts = call.method().equals("GET") && conditions.allowsRange(version);
                sendBytes(call, file, fields, ByteRanges.parse(mayBeParts ? range(call) : null, file.size()));
            }
        }
    }

    /** Returns null if there are none or several: a list of ranges stands in one field. */
    private static @Nullable String range(Call call) {
        List<String> fields = call.headers("Range");
        return fields.size() == 1 ? fields.getFirst() : null;
    }

    private void sendBytes(Call call, OpenedFile file, List<WebResponse.Field> fields, ByteRanges ranges)
            throws IOException {
        var type = new WebResponse.Field("Content-Type", ContentTypes.of(file.name(), types));
        List<ByteRanges.Part> parts = ranges.parts();
        if (ranges.isWhole()) {
            fields.add(type);
            sendPart(call, file, 200, fields, new ByteRanges.Part(0, file.size()));
        } else if (parts.isEmpty()) {
            refuse(call, 416, "the file has " + file.size() + " bytes\n",
                    new WebResponse.Field("Content-Range", "bytes */" + file.size()));
        } else if (parts.size() == 1) {
            fields.add(type);
            fields.add(new WebResponse.Field("Content-Range", parts.getFirst().of(file.size())));
            sendPart(call, file, 206, fields, parts.getFirst());
        } else {
            sendParts(call, file, fields, type.value(), parts);
        }
    }

    private static void sendPart(
            Call call, OpenedFile file, int status, List<WebResponse.Field> fields, ByteRanges.Part part)
            throws IOException {
        if (call.method().equals("HEAD")) {
            fields.add(new WebResponse.Field("Content-Length", Long.toString(part.length())));
            call.send(status, fields, new byte[0]);
            return;
        }
        ResponseOutput out = call.begin(status, fields, part.length());
        out.transfer(file.channel(), part.from(), part.length());
        out.close();
    }

    private static void sendParts(
            Call call, OpenedFile file, List<WebResponse.Field> fields, String type, List<ByteRanges.Part> parts)
            throws IOException {
        String boundary = UUID.randomUUID().toString();
        byte[] end = ("\r\n--" + boundary + "--\r\n").getBytes(StandardCharsets.US_ASCII);
        List<byte[]> heads = new ArrayList<>();
        long length = end.length;
        for (ByteRanges.Part part : parts) {
            byte[] head = ("\r\n--" + boundary + "\r\nContent-Type: " + type + "\r\nContent-Range: "
                    + part.of(file.size()) + "\r\n\r\n").getBytes(StandardCharsets.UTF_8);
            heads.add(head);
            length += head.length + part.length();
        }
        fields.add(new WebResponse.Field("Content-Type", "multipart/byteranges; boundary=" + boundary));
        ResponseOutput out = call.begin(206, fields, length);
        for (int i = 0; i < parts.size(); i++) {
            out.write(heads.get(i));
            out.transfer(file.channel(), parts.get(i).from(), parts.get(i).length());
        }
        out.write(end);
        out.close();
    }
}
