"""What figures and charts show, computed once: matplotlib and the report's SVG only draw it."""
