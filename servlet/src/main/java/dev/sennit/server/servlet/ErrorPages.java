package dev.sennit.server.servlet;

import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.eclipse.jetty.ee11.servlet.ErrorPageErrorHandler;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * The error pages of an application, and where it has none, a line of text. The line has what the application says in
 * {@code sendError}, and nothing of an exception: that is for the log.
 */
final class ErrorPages extends ErrorPageErrorHandler {
    @Override
    protected boolean generateAcceptableResponse(
            Request request, Response response, Callback callback, String contentType, List<Charset> charsets,
            int code, @Nullable String message, @Nullable Throwable cause) {
        String text = cause == null && message != null ? message : HttpStatus.getMessage(code);
        response.getHeaders().put(HttpHeader.CONTENT_TYPE, "text/plain; charset=utf-8");
        response.write(true, ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8)), callback);
        return true;
    }
}
