// OHIF's configuration by `frames dev`, in the place of the one that comes with OHIF.
(() => {
  const dev = __DEV__;

  // The key opens the token. It came in the fragment, which a browser sends to no server;
  // it is kept for this origin, so that a reload and another tab have it too.
  const KEY = "frames-dev-key";
  if (/^#[a-z2-7]{26}$/.test(location.hash)) {
    localStorage.setItem(KEY, location.hash.slice(1));
    history.replaceState(history.state, "", location.pathname + location.search);
  }

  let known;
  /** Now, or `undefined`: OHIF takes a header from a function, and no promise of one. */
  function ask() {
    const request = new XMLHttpRequest();
    request.open("POST", "/frames-dev/token", false);
    request.setRequestHeader("x-key", localStorage.getItem(KEY) ?? "");
    try {
      request.send();
    } catch {
      return undefined; // `frames dev` has ended: what is known is as good as it gets.
    }
    if (request.status === 403) location.replace("/frames-dev/key");
    return request.status === 200 ? JSON.parse(request.responseText) : undefined;
  }

  /** The run's token, and a new one before it ends. */
  function authorization() {
    if (!known || Date.now() > known.renew) {
      const answer = ask();
      if (answer) known = { token: answer.token, renew: Date.now() + answer.renewIn * 1000 };
    }
    return known && { Authorization: `Bearer ${known.token}` };
  }
  if (dev.hasToken) authorization();

  window.config = {
    routerBasename: "/",
    extensions: [],
    modes: [],
    showStudyList: true,
    investigationalUseDialog: { option: "never" },
    defaultDataSourceName: "frames",
    dataSources: [
      {
        namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
        sourceName: "frames",
        configuration: {
          friendlyName: "frames dev",
          name: "frames",
          wadoUriRoot: dev.root,
          qidoRoot: dev.root,
          wadoRoot: dev.root,
          imageRendering: "wadors",
          thumbnailRendering: "wadors",
          enableStudyLazyLoad: true,
          qidoSupportsIncludeField: true,
          supportsFuzzyMatching: true,
          supportsWildcard: true,
          omitQuotationForMultipartRequest: true,
          // HealthImaging's addresses of bulk data lead to its own host, past the delivery.
          bulkDataURI: { enabled: true, startsWith: dev.bulkDataHost, prefixWith: dev.edge },
          onConfiguration(configuration) {
            if (dev.hasToken) {
              window.services.userAuthenticationService.setServiceImplementation({
                getAuthorizationHeader: authorization,
              });
            }
            return configuration;
          },
        },
      },
    ],
  };
})();
