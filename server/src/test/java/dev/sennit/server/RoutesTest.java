package dev.sennit.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** The refusals of routes, responses and settings. EngineIT has what they do. */
class RoutesTest {
    private static final WebHandler OK = _ -> WebResponse.of(200);

    @Test
    void twoRoutesMustNotHideEachOther() {
        Routes routes = Routes.create().get("/photos/{id}", OK).get("/photos/latest", OK).post("/photos/{id}", OK);
        assertThatIllegalArgumentException().isThrownBy(() -> routes.get("/photos/{name}", OK))
                .withMessage("there is a route GET /photos/{name} already");
        routes.under("/a", _ -> {});
        assertThatIllegalArgumentException().isThrownBy(() -> routes.under("/a", _ -> {}))
                .withMessage("there is a handler under /a already");
        assertThat(routes.isEmpty()).isFalse();
        assertThat(Routes.create().isEmpty()).isTrue();
    }

    @Test
    void pathsAndMethodsAreChecked() {
        Routes routes = Routes.create();
        for (String path : new String[] {"", "photos", "/a{b}", "/{}", "/{a b}", "/{a}{b}", "/{a}/{a}"}) {
            assertThatIllegalArgumentException().as(path).isThrownBy(() -> routes.get(path, OK));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> routes.on("G T", "/", OK));
        assertThatIllegalArgumentException().isThrownBy(() -> routes.under("x", _ -> {}));
        assertThat(routes.isEmpty()).isTrue();
    }

    @Test
    void aResponseHasNoLinesOfOthers() {
        WebResponse response = WebResponse.of(200);
        assertThatIllegalArgumentException().isThrownBy(() -> response.header("X", "a\r\nSet-Cookie: b"));
        assertThatIllegalArgumentException().isThrownBy(() -> response.header("X", "a\0"));
        assertThatIllegalArgumentException().isThrownBy(() -> response.header("X: a\r\nY", "b"));
        assertThatIllegalArgumentException().isThrownBy(() -> response.header("", "b"));
        assertThatIllegalArgumentException().isThrownBy(() -> response.status(600));
        assertThatIllegalArgumentException().isThrownBy(() -> WebResponse.of(100));
        assertThat(response.header("X-A", "b\tc").status(404)).hasToString("404 [Field[name=X-A, value=b\tc]]");
    }

    @Test
    void settingsAreChecked() {
        ServerSettings settings = ServerSettings.DEFAULTS;
        assertThat(settings.on()).isEqualTo("virtual:256");
        assertThat(settings.on("virtual").atOnce()).isEqualTo(256);
        assertThat(settings.on("threads:3").atOnce()).isEqualTo(3);
        for (String on : new String[] {"threads", "threads:0", "threads:1-4", "processes:2", "virtual?backlog=3",
            "inline"}) {
            assertThatIllegalArgumentException().as(on).isThrownBy(() -> settings.on(on))
                    .withMessageStartingWith("on must");
        }
        assertThatIllegalArgumentException().isThrownBy(() -> settings.queue(-1))
                .withMessage("queue must be from 0 to 1000000, was -1");
        assertThatIllegalArgumentException().isThrownBy(() -> settings.bodySize(-1))
                .withMessage("bodySize must be >= 0, was -1");
        assertThatIllegalArgumentException().isThrownBy(() -> settings.deadline(Duration.ZERO))
                .withMessage("deadline must be more than 0 and at most a day, was PT0S");
        assertThatNullPointerException().isThrownBy(() -> WebService.of(null));
    }

    @Test
    void aWorkerIsStoppedBeforeARequestCanOutliveIt() {
        ServerSettings settings = ServerSettings.DEFAULTS;
        // the stop limit of services is 30 s: a request that comes as late as it may has its whole deadline
        assertThat(settings.lastRequest().plus(settings.deadline())).isLessThan(Duration.ofSeconds(30));
    }
}
