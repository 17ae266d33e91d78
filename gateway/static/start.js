SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  // No validator: it would send the document to somebody else.
  validatorUrl: null,
  tagsSorter: "alpha",
});
